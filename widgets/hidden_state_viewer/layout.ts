/** Where everything in the grid lies: pure geometry, no DOM.
 *
 * Rows count upwards, as in the figures of the field: row 0 (the embedding) is at the bottom, the last block at the top.
 * "Content" coordinates include the row labels on the left and the token header on top; both stick while the body scrolls.
 */

export type CellSize = "small" | "medium" | "large";
export type Place = readonly [row: number, position: number];

export interface Geometry {
  rows: number;
  columns: number;
  /** Size of one cell, px. */
  cellWidth: number;
  cellHeight: number;
  /** Width of the sticky row labels and height of the sticky token header, px. */
  left: number;
  top: number;
  /** The whole content and the height of the window on it, px. */
  width: number;
  height: number;
  viewHeight: number;
  /** Whether tokens are written into the cells and the header, and how large. */
  text: boolean;
  headerText: boolean;
  font: number;
  /** Label every n-th block and every n-th position. */
  rowStep: number;
  columnStep: number;
}

export interface Span {
  first: number;
  /** One past the last. */
  stop: number;
}

interface Preset {
  width: readonly [min: number, max: number];
  height: readonly [min: number, max: number];
  /** Height that all rows together should take if the limits of one row allow it. */
  body: number;
}

const PRESETS: Record<CellSize, Preset> = {
  small: { width: [5, 40], height: [5, 16], body: 310 },
  medium: { width: [62, 118], height: [16, 30], body: 640 },
  large: { width: [110, 190], height: [24, 38], body: 760 },
};
const TALLEST = 820;
const SCROLLBAR = 14;

const clamp = (value: number, low: number, high: number) => Math.max(low, Math.min(high, value));

export function geometry(
  rows: number,
  columns: number,
  width: number,
  size: CellSize,
  /** Two grids under each other: shorter rows, so that both are seen at once. */
  stacked = false,
): Geometry {
  const preset = PRESETS[size];
  const left = size === "small" ? 72 : 78;
  const body = stacked ? preset.body * 0.75 : preset.body;
  const cellHeight = clamp(Math.floor(body / Math.max(1, rows)), ...preset.height);
  const room = Math.max(0, width - left);
  const cellWidth = clamp(Math.floor(room / Math.max(1, columns)), ...preset.width);
  const text = cellWidth >= 34 && cellHeight >= 12;
  const headerText = cellWidth >= 28;
  const top = headerText ? 38 : 20;
  const height = top + rows * cellHeight;
  const contentWidth = left + columns * cellWidth;
  const bar = contentWidth > width ? SCROLLBAR : 0;
  return {
    rows,
    columns,
    cellWidth,
    cellHeight,
    left,
    top,
    width: contentWidth,
    height,
    viewHeight: Math.min(height + bar, TALLEST),
    text,
    headerText,
    font: cellHeight >= 26 ? 13 : cellHeight >= 18 ? 12 : 11,
    rowStep: thinning(cellHeight, 12, [1, 2, 4, 8, 16]),
    columnStep: thinning(cellWidth, headerText ? 20 : 26, [1, 2, 5, 10, 20, 50, 100]),
  };
}

/** The smallest allowed step at which labels are at least `needed` px apart. */
export function thinning(spacing: number, needed: number, steps: readonly number[]): number {
  return steps.find((step) => step * spacing >= needed) ?? steps[steps.length - 1];
}

/** Whether a row keeps its label: both ends always do, blocks between them every `step`, none that would touch an end. */
export function isRowLabelled(row: number, rows: number, step: number): boolean {
  if (row === 0 || row === rows - 1 || step === 1) return true;
  return (row - 1) % step === 0 && row >= step && rows - 1 - row >= step;
}

export const isColumnLabelled = (position: number, step: number): boolean => position % step === 0;

/** The cell under a point of the window (relative to its top left corner), or null over the labels and outside. */
export function cellAt(g: Geometry, x: number, y: number, scrollLeft = 0, scrollTop = 0): Place | null {
  if (x < g.left || y < g.top) return null;
  const position = Math.floor((x + scrollLeft - g.left) / g.cellWidth);
  const fromTop = Math.floor((y + scrollTop - g.top) / g.cellHeight);
  if (position >= g.columns || fromTop >= g.rows) return null;
  return [g.rows - 1 - fromTop, position];
}

/** Left top corner of a cell in content coordinates. */
export function cornerOf(g: Geometry, [row, position]: Place): { x: number; y: number } {
  return { x: g.left + position * g.cellWidth, y: g.top + (g.rows - 1 - row) * g.cellHeight };
}

/** Which columns, and which rows counted from the top, the window shows. */
export function visible(
  g: Geometry,
  scrollLeft: number,
  scrollTop: number,
  viewWidth: number,
  viewHeight: number,
): { columns: Span; fromTop: Span } {
  const span = (offset: number, view: number, cell: number, count: number): Span => ({
    first: clamp(Math.floor(offset / cell), 0, count),
    stop: clamp(Math.ceil((offset + Math.max(0, view)) / cell), 0, count),
  });
  return {
    columns: span(scrollLeft, viewWidth - g.left, g.cellWidth, g.columns),
    fromTop: span(scrollTop, viewHeight - g.top, g.cellHeight, g.rows),
  };
}

/** The nearest scroll offsets at which the whole cell is in the window. */
export function scrollFor(
  g: Geometry,
  place: Place,
  scrollLeft: number,
  scrollTop: number,
  viewWidth: number,
  viewHeight: number,
): { left: number; top: number } {
  const { x, y } = cornerOf(g, place);
  const nearest = (offset: number, start: number, cell: number, view: number) =>
    clamp(offset, Math.max(0, start + cell - view), Math.max(0, start));
  return {
    left: nearest(scrollLeft, x - g.left, g.cellWidth, viewWidth - g.left),
    top: nearest(scrollTop, y - g.top, g.cellHeight, viewHeight - g.top),
  };
}

export interface Frame {
  /** Panel right of the grids; else under them. */
  side: boolean;
  /** The two grids of a comparison next to each other. */
  beside: boolean;
  /** Width of one grid, of the panel and of the trace, px. */
  grid: number;
  panel: number;
  trace: number;
}

export const GAP = 16;
/** Room for focus rings at both sides of the widget (the padding of .hs). */
export const INSET = 3;
const PANEL = 284;

/** How the parts share the width of the widget. */
export function frame(outer: number, comparing: boolean): Frame {
  const width = outer - 2 * INSET;
  const beside = comparing && width >= 960;
  const side = width >= 720 && !beside;
  const rest = width - PANEL - GAP;
  if (beside) {
    // two lists of decoded tokens need twice the panel
    const panel = Math.min(2 * PANEL + GAP, Math.floor(width * 0.5));
    return { side, beside, grid: Math.floor((width - GAP) / 2), panel, trace: width - panel - GAP };
  }
  return side
    ? { side, beside, grid: rest, panel: PANEL, trace: rest }
    : { side, beside, grid: width, panel: width, trace: width };
}

/** Where a tooltip goes so that it covers neither its cell nor the edge of the widget. */
export function tipCorner(
  cell: { x: number; y: number; width: number; height: number },
  tip: { width: number; height: number },
  room: { width: number; height: number },
): { x: number; y: number } {
  const gap = 10;
  const right = cell.x + cell.width + gap;
  const x = right + tip.width <= room.width ? right : cell.x - gap - tip.width;
  const y = clamp(cell.y + cell.height / 2 - tip.height / 2, 0, Math.max(0, room.height - tip.height));
  if (x >= 0) return { x, y };
  // neither side has room (a narrow widget): below the cell, or above it when that is outside
  const under = cell.y + cell.height + gap;
  return {
    x: clamp(cell.x, 0, Math.max(0, room.width - tip.width)),
    y: under + tip.height <= room.height ? under : Math.max(0, cell.y - gap - tip.height),
  };
}
