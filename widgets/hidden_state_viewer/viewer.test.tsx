import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sequential } from "../shared/colour";
import { revive } from "../shared/fake_model";
import example from "./example.json";
import { decoded, drawn, middleOf, pixel, type Stage, stage, TOKENS, traits } from "./fixture";
import { percent } from "./values";

let on: Stage;
const show = (state: Record<string, unknown>, width?: number) => {
  on = stage(state, width);
  return on;
};
afterEach(() => on.stop());
const asked = () => on.model.sent.filter((message) => message.kind === "request");
const saved = () => Object.assign({}, ...on.model.saves);
const rgb = (css: string) => css.match(/\d+/g)!.map(Number);
/** Left of the token in the middle of a cell, where only the cell's own colour is. */
const beside = (at: { clientX: number; clientY: number }) => ({
  ...at,
  clientX: at.clientX - 25,
  clientY: at.clientY - 6,
});

describe("the picture", () => {
  it("draws what Python wrote as its example", async () => {
    const { el, find, all } = show(revive(example));
    expect(find(".wb").dataset.ready).toBe("1");
    expect(find(".hs-panel-head").textContent).toContain("Pinned block 3");
    expect(all(".hs-panel .hs-top li")).toHaveLength(5);
    expect(all(".hs-chip")).toHaveLength(2);
    expect(el.querySelector("script")).toBeNull();
  });
  it("colours every cell by the probability of its top token", async () => {
    const { el, model } = show(traits(decoded(), { theme: "light" }));
    for (const row of [0, 3])
      expect(pixel(el, beside(middleOf(el, model, [row, 2])))).toEqual(rgb(sequential("light").css(row / 4)));
  });
  it("follows the metric and the theme that Python sets", async () => {
    const { el, model, find } = show(traits(decoded(), { theme: "light" }));
    await on.kernel("metric", "entropy");
    expect(pixel(el, beside(middleOf(el, model, [3, 2])))).toEqual(rgb(sequential("light").css(1)));
    expect(find(".hs-legend").textContent).toContain("bits");
    await on.kernel("theme", "dark");
    expect(pixel(el, beside(middleOf(el, model, [3, 2])))).toEqual(rgb(sequential("dark").css(1)));
    await on.kernel("metric", "rank");
    expect(find(".hs-legend").textContent).toContain("#1k");
    expect(model.saves).toEqual([]);
  });
  it("is painted again when its page hides and shows it within one frame", async () => {
    const { el, model } = show(traits(decoded(), { theme: "light" }));
    await drawn();
    el.style.display = "none"; // JupyterLab does this while it changes its theme
    model.fromKernel("theme", "dark");
    el.style.display = "";
    await drawn();
    await drawn();
    expect(pixel(el, beside(middleOf(el, model, [3, 2])))).toEqual(rgb(sequential("dark").css(0.75)));
  });
  it("shows the model's own prediction until a cell is pinned", async () => {
    const { find } = show(traits(decoded()));
    expect(find(".hs-panel-head").textContent).toBe("Prediction block 2 (last)token 4 ·is");
    expect(find(".hs-panel .hs-top li").textContent).toBe(`⏎`.replace("⏎", ",") + percent(0.75));
  });
  it("keeps a canvas as large as its window for 256 tokens, and brings cells into view", async () => {
    const tokens = Array.from({ length: 256 }, (_, i) => `·t${i}`);
    const { grid, find, key } = show(traits(decoded({ rows: 31, tokens })));
    expect(find<HTMLCanvasElement>("canvas").getBoundingClientRect().width).toBe(grid().clientWidth);
    expect(grid().scrollWidth).toBeGreaterThan(15_000);
    await key("End");
    expect(grid().scrollLeft).toBe(grid().scrollWidth - grid().clientWidth);
    expect(find("[role=gridcell]").textContent).toContain("token 255 ·t255");
    on.stop();
    show(traits(decoded({ rows: 31, tokens }), { selected: [30, 200] }));
    expect(on.grid().scrollLeft).toBeGreaterThan(10_000);
    await on.kernel("selected", [30, 0]);
    expect(on.grid().scrollLeft).toBe(0);
  });
  it("stays inside narrow and wide widgets, whatever the tokens", async () => {
    const tokens = ["x".repeat(5000), "\u202eابج", "<b>", "⏎"];
    for (const width of [320, 500, 1200]) {
      const { find, hover } = show(traits(decoded({ tokens, vocabulary: tokens, tracked: [0] })), width);
      await hover([1, 0]);
      expect(find(".wb").scrollWidth).toBeLessThanOrEqual(width);
      expect(find(".hs-tip").offsetHeight).toBeLessThan(420);
      if (width < 1200) on.stop();
    }
  });
  it("says what is wrong with a broken record, and draws the next good one", async () => {
    const broken = decoded();
    broken.fields.tokens = ["one"];
    const { find } = show(traits(broken));
    await drawn();
    expect(find("[role=alert]").textContent).toContain("The record's top has the shape");
    await on.kernel("data", decoded());
    expect(find(".hs-panel").textContent).toContain("Prediction");
    await on.kernel("data", { record: "Circuit", version: 1, fields: {} });
    expect(find("[role=alert]").textContent).toContain("a Circuit arrived");
  });
});

describe("the pointer", () => {
  it("pins a cell and saves it", async () => {
    const { click, find, model } = show(traits(decoded()));
    await click([2, 1]);
    expect(find(".hs-panel-head").textContent).toContain("Pinned block 1");
    await expect.poll(() => model.saves).toEqual([{ selected: [2, 1] }]);
    await on.press(find<HTMLButtonElement>(".hs-panel-head button"));
    await expect.poll(() => saved().selected).toBeNull();
    expect(find(".hs-panel-head").textContent).toContain("Prediction");
  });
  it("hovers without painting the grid again", async () => {
    const { hover, find, model, el } = show(traits(decoded()));
    const fill = vi.spyOn(CanvasRenderingContext2D.prototype, "fillRect");
    for (let position = 0; position < TOKENS.length; position++) await hover([3, position]);
    expect(fill).not.toHaveBeenCalled();
    fill.mockRestore();
    expect(find(".hs-tip").textContent).toContain("token 4 ·is");
    expect(find(".hs-tip").textContent).toContain("entropy0.00 bits");
    expect(find(".hs-tip .hs-tracked").textContent).toContain("·Paris75.0%#1");
    const probe = find("[data-of=probe]").getBoundingClientRect();
    const at = middleOf(el, model, [3, 4]);
    expect(probe.x + probe.width / 2).toBeCloseTo(at.clientX, 0);
    expect(probe.y + probe.height / 2).toBeCloseTo(at.clientY, 0);
    expect(model.saves).toEqual([]);
  });
  it("lets go when it leaves, scrolls, and over the labels", async () => {
    const { hover, find, el, grid } = show(traits(decoded()));
    await hover([1, 1]);
    grid().dispatchEvent(new PointerEvent("pointerleave"));
    await drawn();
    expect(el.querySelector(".hs-tip")).toBeNull();
    await hover([1, 1]);
    const { x, y } = grid().getBoundingClientRect();
    grid().dispatchEvent(new PointerEvent("pointermove", { clientX: x + 4, clientY: y + 60 }));
    await drawn();
    expect(el.querySelector(".hs-tip")).toBeNull();
    expect(find("[data-of=probe]").hidden).toBe(true);
  });
});

describe("tracking", () => {
  beforeEach(() => {
    show(traits(decoded({ tracked: [2, 3], best: () => 2 })));
  });
  const guess = (i: number) => on.all(".hs-panel .hs-guess")[i] as HTMLButtonElement;
  it("sets the trait for a token that the record holds", async () => {
    expect(on.all(".hs-panel .hs-guess").map((el) => el.ariaPressed)).toEqual(["true", "true", "false"]);
    await on.press(guess(1));
    await expect.poll(() => on.model.saves).toEqual([{ tracked: 1 }]);
    expect(asked()).toEqual([]);
    expect(on.find(".hs-chip[data-current]").textContent).toContain("·Rome");
  });
  it("asks the kernel for a token that it does not, and shows it when it comes", async () => {
    await on.press(guess(2));
    const request = on.model.request("track");
    expect(request.args).toEqual({ id: 104, token: "<script>alert(1)</script>" });
    await on.tell(request.name!, { kind: "progress", done: 0.5, text: "decoding" });
    expect(on.find("[role=status]").textContent).toContain("decoding 50 %");
    await on.kernel("data", decoded({ tracked: [2, 3, 4], best: () => 2 }));
    await on.kernel("tracked", 2);
    await on.tell(request.name!, { kind: "reply", value: null });
    expect(on.find("[role=status]").textContent).toBe("");
    expect(on.find(".hs-chip[data-current]").textContent).toContain("<script>alert(1)</script>");
    expect(on.all(".hs-chart polyline")).toHaveLength(6);
    expect(on.el.querySelector("script")).toBeNull();
  });
  it("cancels, and shows an error in words", async () => {
    await on.press(guess(2));
    const request = on.model.request("track");
    await on.press(on.find<HTMLButtonElement>(".wb-run button"));
    expect(on.model.sent.at(-1)).toEqual({ kind: "cancel", id: request.id });
    await on.tell(request.name!, { kind: "error", message: "made from a record, has no model" });
    expect(on.find("[role=alert]").textContent).toContain("made from a record, has no model");
  });
  it("stops tracking through the kernel", async () => {
    await on.press(on.find<HTMLButtonElement>('[aria-label="Stop tracking ·Paris"]'));
    expect(on.model.request("untrack").args).toEqual({ id: 102 });
    await on.kernel("data", decoded({ tracked: [] }));
    await on.kernel("tracked", -1);
    expect(on.find(".hs-empty").textContent).toContain("No token is tracked");
    expect(on.find<HTMLInputElement>(".hs-choices label:nth-of-type(3) input").disabled).toBe(true);
  });
  it("draws probability and rank over the layers, and pins the layer that is clicked", async () => {
    expect(on.all(".hs-chart polyline")).toHaveLength(4);
    const chart = on.find<SVGElement>(".hs-chart");
    const box = chart.getBoundingClientRect();
    const near = { clientX: box.x + 50, clientY: box.y + 60, bubbles: true };
    chart.dispatchEvent(new PointerEvent("pointermove", near));
    await drawn();
    expect(on.find(".hs-legend-list").textContent).toContain("values at embedding");
    chart.dispatchEvent(new MouseEvent("click", near));
    await drawn();
    await expect.poll(() => saved().selected).toEqual([0, 4]);
  });
});

describe("the prompt", () => {
  it("asks for another text with Enter, not with Shift+Enter", async () => {
    const { find, model } = show(traits(decoded()));
    const box = find<HTMLTextAreaElement>("textarea");
    expect(box.value).toBe("The capital of France is");
    await on.write(box, "Rome is");
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", shiftKey: true, bubbles: true }));
    expect(asked()).toEqual([]);
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    expect(model.request("prompt").args).toEqual({ text: "Rome is", which: 0 });
    await on.kernel("data", decoded({ tokens: ["Rome", "·is"] }));
    await on.tell("prompt", { kind: "reply", value: null });
    expect(find(".hs-head").textContent).toContain("4 rows × 2 tokens");
  });
});

describe("the end", () => {
  it("leaves nothing behind", async () => {
    const { model, el } = show(traits(decoded(), { other: decoded() }));
    const [scroller] = on.all(".hs-scroller");
    expect(model.listeners()).toBeGreaterThan(0);
    on.stop();
    expect(model.listeners()).toBe(0);
    expect(el.childNodes).toHaveLength(0);
    const fill = vi.spyOn(CanvasRenderingContext2D.prototype, "fillRect");
    scroller.dispatchEvent(new Event("scroll"));
    await on.kernel("data", null);
    await on.kernel("selected", [0, 0]);
    expect(fill).not.toHaveBeenCalled();
    fill.mockRestore();
    expect(model.saves).toEqual([]);
  });
});
