import { afterEach, describe, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import { sequential } from "../shared/colour";
import { revive, settle, show } from "../shared/fake_model";
import example from "./example.json";
import { encodeTriangle, plantedEffect, plantedPage, plantedWeights } from "./fixture";
import widget from "./index";
import { click, draw, pixels, small, strike } from "./stage";

afterEach(strike);

describe("the grid", () => {
  it("shows every head, painted with its own map", async () => {
    const { all, cell } = draw({ layers: 30, heads: 9, tokens: 20 });
    expect(all(".ap-cell").length).toBe(270);
    await settle();
    const rgba = sequential("light").rgba;
    for (const [layer, head] of [
      [0, 0],
      [29, 6],
      [20, 0],
    ]) {
      const kind = (layer * 9 + head) % 6;
      const weights = plantedWeights(kind, 20);
      await expect.poll(() => (cell(layer, head).firstElementChild as HTMLCanvasElement).width).toBe(20);
      const painted = pixels(cell(layer, head).firstElementChild as Element);
      for (let q = 0; q < 20; q++)
        for (let k = 0; k <= q; k++)
          expect(painted[q * 20 + k]).toBe(rgba[encodeTriangle([[weights[q][k]]])[0]]);
    }
  });

  it("is painted where it is in sight as soon as it is there", () => {
    const { cell } = draw({ layers: 30, heads: 9, tokens: 20 });
    expect(pixels(cell(0, 0).firstElementChild as Element)[0]).toBe(sequential("light").rgba[255]);
  });

  it("stays within a bounded height and names layers and heads", () => {
    const { one, all } = draw({ layers: 30, heads: 9, tokens: 20 });
    expect(one(".ap-grid").clientHeight).toBeLessThanOrEqual(600);
    expect(one(".ap-grid").scrollHeight).toBeGreaterThan(600);
    expect(all("[role=rowheader]").at(-1)?.textContent).toBe("L29");
    expect(all("[role=columnheader]").at(-1)?.textContent).toBe("H8");
  });

  it("selects by click, adds by Ctrl, fills by Shift, clears by Escape", async () => {
    const { model, cell, one, all } = draw(small);
    click(cell(2, 1));
    expect([model.get("focus"), model.get("heads")]).toEqual([[2, 1], [[2, 1]]]);
    click(cell(0, 2), { ctrlKey: true });
    click(cell(3, 0), { metaKey: true });
    expect(model.get("heads")).toEqual([
      [2, 1],
      [0, 2],
      [3, 0],
    ]);
    await settle();
    expect(one(".ap-detail h3").textContent).toBe("mean of L2H1, L0H2 and L3H0");
    expect(all("[aria-selected=true][data-head]").map((el) => el.dataset.head)).toEqual([
      "0/2",
      "2/1",
      "3/0",
    ]);
    click(cell(2, 1), { ctrlKey: true });
    expect(model.get("heads")).toEqual([
      [0, 2],
      [3, 0],
    ]);
    click(cell(1, 1));
    click(cell(2, 2), { shiftKey: true });
    expect(model.get("heads")).toEqual([
      [1, 1],
      [1, 2],
      [2, 1],
      [2, 2],
    ]);
    await expect
      .poll(() => model.saves.at(-1))
      .toEqual({
        heads: [
          [1, 1],
          [1, 2],
          [2, 1],
          [2, 2],
        ],
        focus: [1, 1],
      });
    cell(2, 2).focus();
    await userEvent.keyboard("{Escape}");
    expect(model.get("heads")).toEqual([]);
  });

  it("walks by arrow keys, chooses by Enter, adds by Space, and lets no key out", async () => {
    const { model, el, cell } = draw(small);
    const heard: string[] = [];
    el.addEventListener("keydown", (event) => heard.push(event.key));
    cell(0, 0).focus();
    await userEvent.keyboard("{ArrowDown}{ArrowRight}{Enter}");
    expect([model.get("focus"), model.get("heads")]).toEqual([[1, 1], [[1, 1]]]);
    await userEvent.keyboard("{End}{PageDown} x");
    expect(cell(3, 2)).toBe(document.activeElement);
    expect(model.get("heads")).toEqual([
      [1, 1],
      [3, 2],
    ]);
    expect(heard).toEqual([]);
    expect([cell(3, 2).tabIndex, cell(0, 0).tabIndex]).toEqual([0, -1]);
  });

  it("follows Python", async () => {
    const { model, cell, one } = draw(small);
    model.fromKernel("heads", [[3, 1]]);
    await settle();
    expect(cell(3, 1).ariaSelected).toBe("true");
    expect(one(".ap-detail h3").textContent).toBe("L3H1");
    model.fromKernel("heads", []);
    model.fromKernel("focus", [2, 2]);
    await settle();
    expect(one(".ap-detail h3").textContent).toBe("L2H2");
    expect(model.saves).toEqual([]);
  });
});

describe("at any width", () => {
  it("keeps everything within it", async () => {
    for (const width of [500, 900, 1200])
      for (const planted of [
        small,
        { layers: 30, heads: 9, tokens: 20 },
        { layers: 1, heads: 12, tokens: 128 },
      ]) {
        const { root, stop } = draw(
          planted,
          {
            effect: plantedEffect(),
            heads: [
              [0, 0],
              [0, 1],
            ],
          },
          width,
        );
        await settle();
        expect(root.scrollWidth).toBeLessThanOrEqual(width);
        stop();
      }
  });

  it("shows heat map and lines side by side only where both fit", async () => {
    const wide = draw(small, {}, 1200);
    const narrow = draw(small, {}, 500);
    await settle();
    expect([wide.all("figure").length, narrow.all("figure").length]).toEqual([2, 1]);
    narrow.all(".ap-modes button")[1].click();
    await settle();
    expect(narrow.one("figure").className).toBe("ap-lines");
    expect(narrow.all(".ap-modes button").map((button) => button.ariaPressed)).toEqual(["false", "true"]);
  });
});

describe("a change of theme", () => {
  it("repaints thumbnails and the large head", async () => {
    const { model, cell, one, root } = draw(small);
    model.fromKernel("theme", "dark");
    await settle();
    const { rgba } = sequential("dark");
    expect(pixels(cell(0, 0).firstElementChild as Element)[0]).toBe(rgba[255]);
    expect(pixels(one(".ap-plot canvas"))[0]).toBe(rgba[255]);
    expect(root.dataset.theme).toBe("dark");
    expect(getComputedStyle(root).backgroundColor).toBe("rgb(19, 19, 23)");
  });
});

describe("the end", () => {
  it("leaves no listener, no element and no painting behind", async () => {
    const { model, el, stop } = draw({ layers: 30, heads: 9, tokens: 20 });
    stop();
    await settle();
    expect(model.listeners()).toBe(0);
    expect(el.childElementCount).toBe(0);
    model.fromKernel("heads", [[1, 1]]);
  });
});

describe("the example that Python wrote", () => {
  it("is drawn, markup as text", async () => {
    const shown = show(widget, revive(example));
    await settle();
    expect(shown.root.querySelectorAll(".ap-cell").length).toBe(12);
    expect(shown.root.querySelector(".ap-detail h3")?.textContent).toBe("L1H2");
    expect(shown.root.querySelector(".ap-effect")?.textContent).toContain("<script>alert(1)</script>");
    expect(shown.root.querySelector("script")).toBeNull();
    expect(shown.model.sent).toEqual([]);
    const large = shown.root.querySelector(".ap-plot canvas") as Element;
    expect(pixels(large)[0]).toBe(sequential("light").rgba[255]);
    shown.stop();
  });
});

describe("data that cannot be drawn", () => {
  it("says so, and keeps the picture it had", async () => {
    const { model, root } = draw(small);
    model.fromKernel("data", { record: "Flow", version: 1, fields: {} });
    await settle();
    expect(root.querySelector("[role=alert]")?.textContent).toContain("a Flow arrived");
    expect(root.querySelectorAll(".ap-cell").length).toBe(12);
    model.fromKernel("data", plantedPage({ layers: 1, heads: 2, tokens: 3 }));
    await settle();
    expect(root.querySelector("[role=alert]")).toBeNull();
    expect(root.querySelectorAll(".ap-cell").length).toBe(2);
  });

  it("says so in place of a first picture", async () => {
    const { root } = draw(small, { data: null });
    await settle();
    expect(root.querySelector("[role=alert]")?.textContent).toContain("AttentionPage; nothing arrived");
  });
});
