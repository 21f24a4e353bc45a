import { afterEach, describe, expect, it } from "vitest";
import { decoded, middleOf, pixel, type Stage, stage, TOKENS, traits } from "./fixture";

let on: Stage;
afterEach(() => on.stop());

// B decodes "·Rome" at row 3, position 4, where A decodes ","; else both agree
const other = (tokens = TOKENS) =>
  decoded({ tokens, best: (row, position) => (row === 3 && position === 4 ? 3 : (row + position) % 8) });
const both = (more = {}, width = 1200) => {
  on = stage(traits(decoded(), { other: other(), theme: "light", ...more }), width);
  return on;
};

describe("two prompts", () => {
  it("marks the cells whose top token differs by a filled corner, and counts them", async () => {
    const { el, model, find } = both();
    expect(find(".hs").textContent).toContain("marks the 1 of 20 cells whose top token differs");
    const corner = ([row, position]: [number, number], which: number) => {
      const { clientX, clientY } = middleOf(el, model, [row, position], which);
      const half = (on.find("[data-of=pin]").parentElement!.clientWidth / 5 - 1) / 2;
      return pixel(el, { clientX: clientX + half - 3, clientY: clientY - 13 }, which);
    };
    for (const which of [0, 1]) {
      expect(corner([3, 4], which)).not.toEqual(corner([3, 3], which));
      expect(corner([3, 2], which)).toEqual(corner([3, 3], which));
    }
  });
  it("stands beside A when there is room, else under it, and scrolls with it", async () => {
    const tokens = Array.from({ length: 60 }, (_, i) => `·t${i}`);
    for (const [width, isBeside] of [
      [1200, true],
      [500, false],
    ] as const) {
      on = stage(traits(decoded({ tokens }), { other: decoded({ tokens }) }), width);
      const [a, b] = [on.grid(0).getBoundingClientRect(), on.grid(1).getBoundingClientRect()];
      expect(b.x > a.right).toBe(isBeside);
      expect(b.y > a.bottom).toBe(!isBeside);
      on.grid(0).scrollLeft = 300;
      await expect.poll(() => on.grid(1).scrollLeft).toBe(300);
      if (isBeside) on.stop();
    }
  });
  it("points at the same cell in both, and tells what the other one has there", async () => {
    const { hover, all, find } = both();
    await hover([3, 4], 0);
    expect(all("[data-of=probe]").map((el) => el.hidden)).toEqual([false, false]);
    expect(find(".hs-tip").textContent).toContain("B here: ·Rome");
  });
  it("pins in B: the trait active goes with the cell", async () => {
    const { click, model, find } = both();
    await click([3, 4], 1);
    await expect.poll(() => model.saves).toEqual([{ active: 1, selected: [3, 4] }]);
    expect(find(".hs-panel").textContent).toContain("Prompt A");
    expect(find(".hs-panel").textContent).toContain("·Paris, A → B: probability 75.0%, rank #1");
  });
  it("colours by the difference of the tracked token", async () => {
    const { find, el, model } = both({ metric: "rank" });
    const before = pixel(el, middleOf(el, model, [0, 0]));
    await on.press(find<HTMLInputElement>(".hs-check input"));
    expect(find(".hs-legend").textContent).toContain("rank of the tracked token, B against A");
    expect(pixel(el, middleOf(el, model, [0, 0]))).not.toEqual(before);
  });
  it("says when the prompts are not equally long, and leaves the rest unpaired", async () => {
    const { find, hover, click } = both({ other: other(TOKENS.slice(0, 3)) });
    expect(find(".hs").textContent).toContain("A has 5 tokens and B 3: columns from 3 on have no partner.");
    await hover([1, 4], 0);
    expect(find(".hs-tip").textContent).toContain("prompt B has no token here");
    await hover([1, 4], 1);
    expect(find(".hs-tip").textContent).toContain("prompt B has no token here");
    await click([1, 4], 0);
    expect(find(".hs-panel").textContent).toContain("Prompt B has no token at this position.");
    expect(on.all(".hs-chart polyline")).toHaveLength(2);
  });
  it("does not compare different models' layers", async () => {
    const { find } = both({ other: decoded({ rows: 3 }) });
    expect(find(".hs").textContent).toContain("different layers (4 and 3), so cells are not compared");
  });
  it("opens with a copy of A, asks for B, and closes through the kernel", async () => {
    on = stage(traits(decoded()));
    expect(on.all("textarea")).toHaveLength(1);
    await on.press(on.find<HTMLButtonElement>(".hs-prompt button:last-of-type"));
    const [, box] = on.all("textarea") as HTMLTextAreaElement[];
    expect(box.value).toBe("The capital of France is");
    await on.write(box, "The capital of Italy is");
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    expect(on.model.request("prompt").args).toEqual({ text: "The capital of Italy is", which: 1 });
    await on.kernel("other", other());
    await on.tell("prompt", { kind: "reply", value: null });
    expect(on.all(".hs-scroller")).toHaveLength(2);
    const close = on.all("button").find((button) => button.textContent === "Close B")!;
    await on.press(close);
    expect(on.model.request("compare_off").args).toEqual({});
    await on.kernel("other", null);
    expect(on.all(".hs-scroller")).toHaveLength(1);
    expect(on.all("textarea")).toHaveLength(1);
  });
});
