import { afterEach, describe, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import { settle } from "../shared/fake_model";
import { click, draw, over, pixels, small, strike } from "./stage";

afterEach(strike);

describe("the large head", () => {
  it("is read by pointing, with the error of the code", async () => {
    const { one } = draw(
      { ...small, tokens: ["<bos>", "·cap", "·of", "·France"] },
      { focus: [1, 0], theme: "dark" },
    );
    const plot = one(".ap-plot");
    const step = plot.clientWidth / 4;
    over(plot, 1.5 * step, 3.5 * step); // an even head: each of four tokens weighs 1/4
    await settle();
    expect(one(".ap-readout").textContent).toBe(
      'query "·France" (pos 3) reads key "·cap" (pos 1): 0.252 ± 0.002',
    );
    over(plot, 3.5 * step, 1.5 * step);
    await settle();
    expect(one(".ap-readout").textContent).toContain("never, it comes later");
    over(plot, 0, 0, "pointerleave");
    await settle();
    expect(one(".ap-readout").textContent).toContain("Point at");
  });

  it("locks a query by click and by key, and lets it go", async () => {
    const { model, one, all } = draw(small);
    const plot = one(".ap-plot");
    click(plot, { y: 7.5 * (plot.clientHeight / 12) });
    await settle();
    await expect.poll(() => model.saves).toEqual([{ locked: 7 }]);
    expect(one(".ap-readout").textContent).toContain("Locked: query");
    expect(all(".ap-veil").length).toBe(2);
    plot.focus();
    await userEvent.keyboard("{ArrowDown}{Enter}");
    expect(model.get("locked")).toBe(8);
    await userEvent.keyboard("{Escape}");
    expect(model.get("locked")).toBeNull();
  });

  it("draws tokens as text", async () => {
    const tokens = ["<script>window.hit=1</script>", "<img src=x onerror='window.hit=1'>", "&amp;", "‮evil"];
    const { root, one } = draw({ ...small, tokens }, { prompts: ["<b>a</b>", "<i>b</i>"] });
    await settle();
    expect(root.querySelector("script, img, b, i:not([style], .ap-key)")).toBeNull();
    expect(one(".ap-labels-query").textContent).toBe(tokens.join(""));
    expect((window as { hit?: number }).hit).toBeUndefined();
  });

  it("thins its labels when there are many and zooms", async () => {
    const { one, all } = draw({ layers: 1, heads: 2, tokens: 300 });
    expect(all(".ap-labels-query .ap-label").length).toBeLessThan(60);
    const before = one(".ap-plot").clientWidth;
    one('[aria-label="Zoom in"]').click();
    await settle();
    expect(one(".ap-plot").clientWidth).toBe(2 * before);
    expect(one(".ap-sheet-scroll").clientWidth).toBeLessThan(one(".ap-plot").clientWidth);
    const plot = one(".ap-plot");
    plot.focus();
    await userEvent.keyboard("{End}");
    expect(one(".ap-sheet-scroll").scrollLeft).toBeGreaterThan(before / 2);
  });
});

describe("the lines", () => {
  const ink = (canvas: Element) => pixels(canvas).filter((pixel) => pixel >>> 24 > 0).length;

  it("show only the lines of the token pointed at, then of the locked one", async () => {
    const { model, one } = draw(small, { focus: [1, 0] });
    await settle();
    const canvas = one(".ap-lines canvas");
    const everything = ink(canvas);
    const option = one(".ap-column-query [role=option]:nth-child(4)");
    over(option, 5, 5);
    await settle();
    expect(ink(canvas)).toBeLessThan(everything);
    expect(ink(canvas)).toBeGreaterThan(0);
    expect(one(".ap-readout").textContent).toContain("(pos 3) reads most");
    click(option, { x: 5, y: 5 });
    await settle();
    expect(model.get("locked")).toBe(3);
    expect(option.ariaSelected).toBe("true");
    one(".ap-lines-scroll").dispatchEvent(new PointerEvent("pointerleave"));
    await settle();
    expect(ink(canvas)).toBeLessThan(everything);
  });

  it("come into sight for the query pointed at in the heat map", async () => {
    const { one } = draw({ layers: 1, heads: 2, tokens: 200 });
    await settle();
    const plot = one(".ap-plot");
    over(plot, 2, (190.5 / 200) * plot.clientHeight);
    await settle();
    const [box, option] = [".ap-lines-scroll", ".ap-column-query .ap-lit"].map((css) =>
      one(css).getBoundingClientRect(),
    );
    expect(option.top).toBeGreaterThan(box.top);
    expect(option.bottom).toBeLessThan(box.bottom);
  });

  it("are walked and locked by key in both columns", async () => {
    const { model, one } = draw(small);
    await settle();
    one(".ap-column-key").focus();
    await userEvent.keyboard("{ArrowDown}{ArrowDown}{ArrowDown}{Enter}");
    expect(model.get("locked")).toBe(2);
    await settle();
    expect(one(".ap-readout").textContent).toContain("is read most by");
    const active = one(".ap-column-key").getAttribute("aria-activedescendant");
    expect(one(`#${active}`).ariaSelected).toBe("true");
    await userEvent.keyboard("{Escape}");
    expect(model.get("locked")).toBeNull();
  });

  it("have one colour a head, up to six heads", async () => {
    const heads = [
      [0, 1],
      [1, 2],
      [2, 0],
    ];
    const { model, one, all } = draw(small, { heads });
    await settle();
    expect(all(".ap-chip i").length).toBe(3);
    expect(one(".ap-lines figcaption").textContent).toContain("One colour a head");
    const colours = new Set([...pixels(one(".ap-lines canvas"))].filter((p) => p >>> 24 > 200));
    expect(colours.size).toBeGreaterThan(3);
    model.fromKernel("heads", [...heads, [0, 0], [1, 0], [3, 0], [3, 1]]);
    await settle();
    expect(all(".ap-chip i").length).toBe(0);
    expect(one(".ap-lines figcaption").textContent).toContain("mean of 7 heads");
  });
});
