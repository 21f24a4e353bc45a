import { afterEach, describe, expect, it, vi } from "vitest";
import { type FakeModel, settle } from "../shared/fake_model";
import { ACCEPTED_WITHIN_MS, GONE, NO_ANSWER } from "../shared/request";
import { encodeTriangle, type Planted, plantedEffect, plantedPage, plantedWeights } from "./fixture";
import { click, draw, pick, small, strike } from "./stage";

afterEach(() => {
  vi.useRealTimers();
  strike();
});

const prompts = ["first text", "second text"];

function reply(tokens: string[]) {
  const page = plantedPage({ layers: 4, heads: 3, tokens });
  const { data, ...maps } = page.fields.maps;
  return { value: { ...page, fields: { ...page.fields, maps: { ...maps, buffer: 0 } } }, buffers: [data] };
}

const count = (model: FakeModel, name: string) =>
  model.sent.filter((message) => message.name === name).length;

describe("another prompt", () => {
  it("is asked for, drawn, kept, and told to Python", async () => {
    const { model, one } = draw(small, { prompts });
    const select = one<HTMLSelectElement>(".ap-prompts select");
    expect([...select.options].map((option) => option.text)).toEqual([
      "mean over 2 prompts",
      "0: first text",
      "1: second text",
    ]);
    pick(select, "1");
    const sent = model.request("page");
    expect(sent.args).toEqual({ prompt: 1 });
    expect(model.saves).toEqual([{ prompt: 1 }]); // before the request, so that both mean the same prompt
    const { value, buffers } = reply(["·one", "·two"]);
    model.tell(sent, { kind: "reply", value }, buffers);
    await settle();
    expect(one(".ap-heading p").textContent).toContain("2 tokens: second text");
    expect(one(".ap-labels-key").textContent).toBe("·one·two");
    pick(select, "0");
    await settle();
    expect(one(".ap-heading p").textContent).toContain("12 tokens: first text");
    pick(select, "1");
    expect(count(model, "page")).toBe(1);
  });

  it("stays picked when Python sends the same page as data", async () => {
    const { model, one } = draw(small, { prompts });
    pick(one(".ap-prompts select"), "1");
    const { value, buffers } = reply(["·one", "·two"]);
    model.tell(model.request("page"), { kind: "reply", value }, buffers);
    await settle();
    model.fromKernel("data", plantedPage({ layers: 4, heads: 3, tokens: ["·one", "·two"] }));
    pick(one(".ap-prompts select"), "0");
    pick(one(".ap-prompts select"), "1");
    expect(count(model, "page")).toBe(1);
    model.fromKernel("data", plantedPage({ layers: 4, heads: 3, tokens: ["·new"] }));
    pick(one(".ap-prompts select"), "0");
    expect(count(model, "page")).toBe(2);
  });

  it("that cannot be had goes back to the one on the screen, in words", async () => {
    const { model, one, root } = draw(small, { prompts });
    pick(one(".ap-prompts select"), "-1");
    model.tell(model.request("page"), { kind: "error", message: "There is no prompt <-1>." });
    await settle();
    expect(one<HTMLSelectElement>(".ap-prompts select").value).toBe("0");
    expect(model.get("prompt")).toBe(0);
    expect(one("[role=alert]").textContent).toContain("There is no prompt <-1>.");
    expect(root.querySelectorAll(".ap-cell").length).toBe(12);
  });

  it("overtakes one that is still on its way", async () => {
    const { model, one } = draw(small, { prompts: [...prompts, "third"] });
    pick(one(".ap-prompts select"), "1");
    const late = model.request("page");
    pick(one(".ap-prompts select"), "2");
    expect(model.sent.map((message) => message.kind)).toEqual(["request", "cancel", "request"]);
    const { value, buffers } = reply(["·three"]);
    model.tell(late, { kind: "reply", value: reply(["·late", "·late"]).value }, buffers);
    model.tell(model.request("page"), { kind: "reply", value }, buffers);
    await settle();
    expect(one(".ap-labels-key").textContent).toBe("·three");
    expect(model.get("prompt")).toBe(2);
  });
});

describe("a new prompt", () => {
  it("is sent as text and leaves the box when it has been read", async () => {
    const { model, one } = draw(small);
    const box = one<HTMLInputElement>(".ap-prompts input");
    expect(one<HTMLButtonElement>(".ap-prompts button").disabled).toBe(true);
    box.value = "The capital of <b>";
    box.dispatchEvent(new InputEvent("input", { bubbles: true }));
    await settle();
    one<HTMLFormElement>(".ap-prompts").requestSubmit();
    expect(model.request("prompt_text").args).toEqual({ text: "The capital of <b>" });
    await settle();
    expect(one<HTMLButtonElement>(".ap-prompts button").disabled).toBe(true);
    model.fromKernel("data", plantedPage({ layers: 4, heads: 3, tokens: ["<bos>", "The"] }));
    model.fromKernel("prompts", ["The capital of <b>"]);
    model.tell(model.request("prompt_text"), { kind: "reply", value: null });
    await settle();
    expect(box.value).toBe("");
    expect(one(".ap-heading p").textContent).toContain("2 tokens: The capital of <b>");
  });

  it("keeps the text that could not be read", async () => {
    const { model, one } = draw(small);
    const box = one<HTMLInputElement>(".ap-prompts input");
    box.value = "x";
    box.dispatchEvent(new InputEvent("input", { bubbles: true }));
    await settle();
    one<HTMLFormElement>(".ap-prompts").requestSubmit();
    model.tell(model.request("prompt_text"), { kind: "error", message: "10,000 tokens are too many." });
    await settle();
    expect(box.value).toBe("x");
    expect(one("[role=alert]").textContent).toContain("too many");
  });
});

describe("ablation", () => {
  const button = ".ap-ablate button";

  it("needs a selection", () => {
    const { one } = draw(small);
    expect(one<HTMLButtonElement>(button).disabled).toBe(true);
    expect(one(".ap-chips").textContent).toContain("No head selected");
  });

  it("is asked for, shows progress, and its effect is a table", async () => {
    const heads = [
      [1, 2],
      [3, 0],
    ];
    const { model, one, root } = draw(small, { heads });
    pick(one(".ap-ablate select"), "mean");
    await settle();
    one(button).click();
    const sent = model.request("ablate");
    expect(sent.args).toEqual({ heads, kind: "mean" });
    model.tell(sent, { kind: "accepted" });
    model.tell(sent, { kind: "progress", done: 0.5, text: "running" });
    await settle();
    expect(one("[role=status] .wb-run").textContent).toContain("Ablate L1H2, L3H0 (mean) running 50 %");
    expect(one<HTMLButtonElement>(button).disabled).toBe(true);
    model.fromKernel("effect", plantedEffect());
    model.tell(sent, { kind: "reply", value: null });
    await settle();
    const rows = [...root.querySelectorAll(".ap-effect tbody tr")].map((row) =>
      [...row.children].slice(0, 4).map((part) => part.textContent),
    );
    expect(rows).toEqual([
      ["·Mary", "68.3 %", "20.7 %", "−47.6"],
      ["·John", "12.2 %", "43.1 %", "+30.9"],
      ["·the", "7.1 %", "11.8 %", "+4.7"],
      ["<b>bold</b>", "4.4 %", "4.4 %", "0.0"],
      ["·her", "1.2 %", "< 0.1 %", "−1.2"],
    ]);
    expect(one(".ap-edit").textContent).toBe("L0H1 and L3H2 replaced by zero");
    const widths = [...root.querySelectorAll<HTMLElement>(".ap-bars i")].map((bar) => bar.style.width);
    expect(widths[0]).toBe("100%");
    expect(Number.parseFloat(widths[1])).toBeCloseTo((100 * 0.207) / 0.683, 2);
    expect(one<HTMLButtonElement>(button).disabled).toBe(false);
  });

  it("is cancelled by its button", async () => {
    const { model, one, root } = draw(small, { heads: [[0, 0]] });
    one(button).click();
    model.tell(model.request("ablate"), { kind: "accepted" });
    await settle();
    one("[role=status] .wb-run button").click();
    expect(model.sent.at(-1)).toEqual({ kind: "cancel", id: model.request("ablate").id });
    model.tell(model.request("ablate"), { kind: "cancelled" });
    await settle();
    expect(root.querySelector(".wb-run, [role=alert]")).toBeNull();
  });

  it("says that a kernel is silent or gone, and keeps the picture", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { model, one, root } = draw(small, { heads: [[0, 0]] });
    one(button).click();
    vi.advanceTimersByTime(ACCEPTED_WITHIN_MS);
    vi.useRealTimers();
    await settle();
    expect(one("[role=status] .wb-run").textContent).toContain(NO_ANSWER);
    one("[role=status] .wb-run button").click();
    await settle();
    model.dead = true;
    one(button).click();
    await settle();
    expect(one("[role=alert]").textContent).toContain(GONE);
    expect(root.querySelectorAll(".ap-cell").length).toBe(12);
  });

  it("without a comparison is a table of what comes next", async () => {
    const effect = plantedEffect();
    const { one } = draw(small, {
      effect: { ...effect, fields: { ...effect.fields, baseline: null, edit: "" } },
    });
    expect([...one(".ap-effect thead").querySelectorAll("th")].map((th) => th.textContent)).toEqual([
      "token",
      "after",
      "probability",
    ]);
  });

  it("whose table is damaged says so and leaves the rest", async () => {
    const effect = plantedEffect();
    const { one, root } = draw(small, {
      effect: { ...effect, fields: { ...effect.fields, tokens: ["·only"] } },
    });
    expect(one("[role=alert]").textContent).toContain("1 tokens, but 5 probabilities");
    expect(root.querySelectorAll(".ap-cell").length).toBe(12);
  });
});

describe("a long prompt", () => {
  const long: Planted = { layers: 12, heads: 12, tokens: 96, pooled: 4 };
  const full = (kind: number) => {
    const data = new DataView(encodeTriangle(plantedWeights(kind, 96)).buffer as ArrayBuffer);
    return { value: { dtype: "uint8", shape: [96, 96], codec: "sqrt-u8", triangle: true, buffer: 0 }, data };
  };

  it("shows blocks first and every token when the head has come", async () => {
    const { model, one } = draw(long, { focus: [2, 1] });
    expect(one(".ap-note").textContent).toContain("largest weight of 4 x 4 tokens");
    expect(model.request("head").args).toEqual({ prompt: 0, layer: 2, head: 1 });
    const { value, data } = full(0);
    model.tell(model.request("head"), { kind: "reply", value }, [data]);
    await settle();
    expect(one(".ap-detail").querySelector(".ap-note")).toBeNull();
    expect(one<HTMLCanvasElement>(".ap-plot canvas").width).toBe(96);
    model.fromKernel("focus", [0, 0]);
    model.fromKernel("focus", [2, 1]);
    expect(count(model, "head")).toBe(2); // (2, 1) is still here
  });

  it("locks the token a block begins with", async () => {
    const { model, one } = draw(long);
    click(one(".ap-plot"), { y: (5.5 / 24) * one(".ap-plot").clientHeight });
    await settle();
    expect(model.get("locked")).toBe(20);
    expect(one(".ap-readout").textContent).toContain("(pos 20 to 23)");
  });

  it("says in the picture why it stays coarse", async () => {
    const { model, one, root } = draw(long);
    model.tell(model.request("head"), { kind: "error", message: "This needs a running kernel." });
    await settle();
    expect(one(".ap-note").textContent).toContain("This needs a running kernel.");
    expect(root.querySelector("[role=alert]")).toBeNull();
  });

  it("does not fetch heads one by one for a mean of many", async () => {
    const heads = Array.from({ length: 12 }, (_, head) => [0, head]);
    const { model, one } = draw(long, { heads });
    expect(count(model, "head")).toBe(0);
    expect(one(".ap-note").textContent).toContain("at most 6 heads");
  });

  it("forgets what it fetched when another text is read", async () => {
    const { model, one } = draw(long);
    const { value, data } = full(0);
    model.tell(model.request("head"), { kind: "reply", value }, [data]);
    await settle();
    model.fromKernel("data", plantedPage({ ...long, tokens: 100, pooled: 4 }));
    await settle();
    expect(count(model, "head")).toBe(2);
    expect(one(".ap-note").textContent).toContain("Reading every token");
  });
});
