import { describe, expect, it } from "vitest";
import {
  cellAt,
  cornerOf,
  frame,
  geometry,
  isRowLabelled,
  scrollFor,
  thinning,
  tipCorner,
  visible,
} from "./layout";

describe("geometry", () => {
  it("fills the width with a short prompt and scrolls with a long one", () => {
    const short = geometry(31, 8, 900, "medium");
    expect(short.width).toBeLessThanOrEqual(900);
    expect(short.width).toBeGreaterThan(880);
    const long = geometry(31, 256, 900, "medium");
    expect(long.cellWidth).toBe(62);
    expect(long.width).toBe(78 + 256 * 62);
    expect(long.viewHeight).toBe(long.height + 14);
  });
  it("shows all 31 rows without scrolling, and shorter ones when two grids are stacked", () => {
    const g = geometry(31, 8, 900, "medium");
    expect(g.height).toBe(38 + 31 * 20);
    expect(g.viewHeight).toBe(g.height);
    expect(geometry(31, 8, 900, "medium", true).cellHeight).toBe(16);
  });
  it("keeps 81 rows readable and lets them scroll", () => {
    const g = geometry(81, 8, 900, "medium");
    expect(g.cellHeight).toBe(16);
    expect(g.height).toBeGreaterThan(g.viewHeight);
  });
  it("writes no tokens into small cells, and thins both kinds of labels", () => {
    const g = geometry(31, 256, 500, "small");
    expect([g.text, g.headerText]).toEqual([false, false]);
    expect([g.rowStep, g.columnStep]).toEqual([2, 10]);
    expect(geometry(81, 256, 500, "small").rowStep).toBe(4);
    expect(geometry(31, 60, 500, "medium").rowStep).toBe(1);
  });
  it("survives an empty width", () => {
    expect(geometry(3, 2, 0, "medium").cellWidth).toBe(62);
  });
});

describe("labels", () => {
  it("takes the first step that leaves room", () => {
    expect(thinning(5, 12, [1, 2, 4])).toBe(4);
    expect(thinning(1, 12, [1, 2, 4])).toBe(4);
    expect(thinning(20, 12, [1, 2, 4])).toBe(1);
  });
  it("keeps both ends and none too near to them", () => {
    const shown = Array.from({ length: 31 }, (_, row) => row).filter((row) => isRowLabelled(row, 31, 4));
    expect(shown).toEqual([0, 5, 9, 13, 17, 21, 25, 30]);
    expect(Array.from({ length: 5 }, (_, row) => isRowLabelled(row, 5, 1))).toEqual([
      true,
      true,
      true,
      true,
      true,
    ]);
  });
});

describe("places", () => {
  const g = geometry(31, 60, 700, "medium");
  it("finds the cell under a point: row 0 is at the bottom", () => {
    expect(cellAt(g, g.left + 1, g.top + 1)).toEqual([30, 0]);
    expect(cellAt(g, g.left + 1, g.height - 1)).toEqual([0, 0]);
    expect(cellAt(g, g.left + 1, g.top + 1, 10 * g.cellWidth)).toEqual([30, 10]);
    expect(cellAt(g, g.left - 1, g.top + 1)).toBeNull();
    expect(cellAt(g, g.left + 1, g.top - 1)).toBeNull();
    expect(cellAt(g, g.left + 1, g.height)).toBeNull();
    expect(cellAt(g, g.left + 60 * g.cellWidth, g.top + 1)).toBeNull();
  });
  it("is the inverse of the corner", () => {
    for (const place of [
      [0, 0],
      [30, 59],
      [12, 7],
    ] as const) {
      const { x, y } = cornerOf(g, place);
      expect(cellAt(g, x, y)).toEqual(place);
    }
  });
  it("lists only what the window shows", () => {
    const seen = visible(g, 100, 0, 700, g.height);
    expect(seen.columns).toEqual({ first: 1, stop: Math.ceil((100 + 700 - g.left) / g.cellWidth) });
    expect(seen.fromTop).toEqual({ first: 0, stop: 31 });
    expect(visible(g, 1e6, 0, 700, 700).columns).toEqual({ first: 60, stop: 60 });
  });
  it("scrolls only as far as needed", () => {
    expect(scrollFor(g, [30, 0], 0, 0, 700, g.height)).toEqual({ left: 0, top: 0 });
    const right = scrollFor(g, [30, 20], 0, 0, 700, g.height);
    expect(right.left).toBe(21 * g.cellWidth - (700 - g.left));
    expect(scrollFor(g, [30, 20], right.left + 5, 0, 700, g.height).left).toBe(right.left + 5);
    expect(scrollFor(g, [30, 0], right.left, 0, 700, g.height).left).toBe(0);
  });
});

describe("frame", () => {
  it("puts the panel beside the grid when there is room", () => {
    expect(frame(1206, false)).toEqual({ side: true, beside: false, grid: 900, panel: 284, trace: 900 });
    expect(frame(506, false)).toEqual({ side: false, beside: false, grid: 500, panel: 500, trace: 500 });
  });
  it("puts prompt B beside prompt A when there is room, else under it", () => {
    expect(frame(1206, true)).toEqual({ side: false, beside: true, grid: 592, panel: 584, trace: 600 });
    expect(frame(806, true)).toMatchObject({ side: true, beside: false, grid: 500 });
    expect(frame(506, true)).toMatchObject({ side: false, beside: false, grid: 500 });
  });
});

describe("tooltip", () => {
  const tip = { width: 200, height: 100 };
  it("stands right of its cell, else left, else below", () => {
    const room = { width: 800, height: 600 };
    expect(tipCorner({ x: 100, y: 300, width: 60, height: 20 }, tip, room)).toEqual({ x: 170, y: 260 });
    expect(tipCorner({ x: 700, y: 300, width: 60, height: 20 }, tip, room)).toEqual({ x: 490, y: 260 });
    expect(tipCorner({ x: 100, y: 0, width: 60, height: 20 }, tip, room).y).toBe(0);
    const narrow = { width: 300, height: 600 };
    expect(tipCorner({ x: 120, y: 300, width: 60, height: 20 }, tip, narrow)).toEqual({ x: 100, y: 330 });
    expect(tipCorner({ x: 120, y: 560, width: 60, height: 20 }, tip, narrow)).toEqual({ x: 100, y: 450 });
  });
});
