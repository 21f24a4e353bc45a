import axe from "axe-core";
import { afterEach, describe, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import { settle } from "../shared/fake_model";
import { type Planted, plantedEffect } from "./fixture";
import { draw, small, strike } from "./stage";

afterEach(() => {
  strike();
  document.body.removeAttribute("style");
});

async function busy(planted: Planted, width: number) {
  const heads = [
    [0, 0],
    [1, 2],
  ];
  const more = { heads, effect: plantedEffect(), locked: 3, prompts: ["one", "two"] };
  const shown = draw(planted, more, width);
  const { model, root } = shown;
  await settle();
  root.querySelector<HTMLButtonElement>(".ap-ablate button")?.click();
  model.tell(model.request("ablate"), { kind: "error", message: "It failed." });
  root.querySelector<HTMLButtonElement>(".ap-ablate button")?.click();
  model.tell(model.request("ablate"), { kind: "progress", done: 0.3, text: "running" });
  await settle();
  return shown;
}

describe("axe finds nothing serious", () => {
  for (const [background, theme] of [
    ["#ffffff", "light"],
    ["#111111", "dark"],
  ])
    for (const width of [500, 1200])
      it(`in ${theme} at ${width} px`, async () => {
        document.body.style.background = background;
        const { el, root } = await busy({ layers: width > 600 ? 30 : 4, heads: 9, tokens: 40 }, width);
        expect(root.dataset.theme).toBe(theme);
        if (width === 500) root.querySelectorAll<HTMLElement>(".ap-modes button")[1].click();
        await settle();
        const { violations } = await axe.run(el);
        const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        expect(grave.map(({ id, nodes }) => [id, nodes[0].html])).toEqual([]);
      });
});

describe("the Tab key", () => {
  it("goes through the parts in reading order, the grid being one stop, and out", async () => {
    const { root } = await busy(small, 1200);
    root.querySelector<HTMLElement>("select")?.focus();
    const stops: string[] = [];
    for (let i = 0; i < 20 && root.contains(document.activeElement); i++) {
      const at = document.activeElement as HTMLElement;
      stops.push(at.ariaLabel || at.textContent?.trim().slice(0, 22) || at.tagName);
      await userEvent.tab();
    }
    expect(stops).toEqual([
      "mean over 2 prompts0: ",
      "INPUT",
      "layer 0 head 0, shown large",
      "Heat map",
      "Lines",
      "Both",
      "Attention of mean of L0H0 and L1H2: arrow keys read cells, Enter locks the query",
      "Query tokens",
      "Key tokens",
      "Take L0H0 out of the selection",
      "Take L1H2 out of the selection",
      "Clear",
      "zeromean",
      "Cancel",
    ]);
  });

  it("shows where it is", async () => {
    const { root } = await busy(small, 1200);
    root.querySelector<HTMLElement>("select")?.focus();
    for (let i = 0; i < 9; i++) {
      await userEvent.tab();
      expect(getComputedStyle(document.activeElement as Element).outlineStyle).toBe("solid");
    }
  });
});

describe("names for a screen reader", () => {
  it("are on the grid, its cells and the pictures", async () => {
    const { root } = await busy(small, 1200);
    const label = (css: string) => root.querySelector(css)?.getAttribute("aria-label");
    expect(label("[role=grid]")).toBe("Attention heads, 4 layers by 3 heads");
    expect(label('[data-head="1/2"]')).toBe("layer 1 head 2, shown large");
    expect(label('[data-head="1/1"]')).toBe("layer 1 head 1");
    expect(root.querySelectorAll("[role=row] > [role=gridcell]").length).toBe(12);
    expect(label(".ap-legend")).toContain("attention weight from 0 to 1");
    expect(root.querySelectorAll("[role=option]").length).toBe(24);
  });
});
