/** Draws the part of the grid that the window shows: cells, then the labels that stick over them. */

import type { Scale as Colours } from "../shared/colour";
import { type Geometry, isColumnLabelled, isRowLabelled, visible } from "./layout";
import { cellIndex, type Decoded } from "./record";
import { type Scale, shadeIndex } from "./values";

/** Colours and fonts of the theme, as the browser computed them. */
export interface Ink {
  text: string;
  muted: string;
  line: string;
  background: string;
  raised: string;
  mono: string;
  sans: string;
}

export interface Picture {
  geometry: Geometry;
  record: Decoded;
  values: Float32Array;
  scale: Scale;
  colours: Colours;
  /** 1 where the other prompt's best token is another one. */
  marks: Uint8Array | null;
}

export interface Window {
  width: number;
  height: number;
  left: number;
  top: number;
}

interface Table {
  fill: string[];
  ink: string[];
}
const tables = new WeakMap<Colours, Table>();

function tableOf(colours: Colours): Table {
  let table = tables.get(colours);
  if (!table) {
    const steps = Array.from({ length: 256 }, (_, i) => i / 255);
    table = { fill: steps.map((t) => colours.css(t)), ink: steps.map((t) => colours.ink(t)) };
    tables.set(colours, table);
  }
  return table;
}

/** Shortens texts to a width, and remembers how: the same few tokens come back on every scroll. */
export class Fitter {
  #known = new Map<string, string>();
  #for = "";

  fit(pen: CanvasRenderingContext2D, text: string, width: number): string {
    const key = `${pen.font}/${width}`;
    if (key !== this.#for) {
      this.#for = key;
      this.#known.clear();
    }
    let fitted = this.#known.get(text);
    if (fitted === undefined) {
      fitted = shorten(text, (part) => pen.measureText(part).width <= width);
      this.#known.set(text, fitted);
    }
    return fitted;
  }
}

/** The longest beginning that fits, with an ellipsis when something is left off. */
export function shorten(text: string, fits: (part: string) => boolean): string {
  const letters = Array.from(text.slice(0, 200));
  if (letters.length === text.length && fits(text)) return text;
  let low = 0;
  let high = letters.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(`${letters.slice(0, middle).join("")}…`)) low = middle;
    else high = middle - 1;
  }
  return low === letters.length && low === Array.from(text).length
    ? text
    : `${letters.slice(0, low).join("")}…`;
}

export function paint(
  pen: CanvasRenderingContext2D,
  at: Window,
  picture: Picture,
  ink: Ink,
  fitter: Fitter,
): void {
  const g = picture.geometry;
  pen.direction = "ltr"; // tokens of right-to-left scripts stay where their cell is
  pen.fillStyle = ink.background;
  pen.fillRect(0, 0, at.width, at.height);
  pen.save();
  pen.beginPath();
  pen.rect(g.left, g.top, at.width - g.left, at.height - g.top);
  pen.clip();
  paintCells(pen, at, picture, ink, fitter);
  pen.restore();
  paintHeader(pen, at, picture, ink, fitter);
  paintRowLabels(pen, at, picture, ink);
}

function paintCells(
  pen: CanvasRenderingContext2D,
  at: Window,
  picture: Picture,
  ink: Ink,
  fitter: Fitter,
): void {
  const { geometry: g, record, values, scale, marks } = picture;
  const seen = visible(g, at.left, at.top, at.width, at.height);
  const stop = Math.min(seen.columns.stop, record.tokens.length);
  const table = tableOf(picture.colours);
  const gap = g.cellWidth >= 10 && g.cellHeight >= 8 ? 1 : 0;
  const width = g.cellWidth - gap;
  const height = g.cellHeight - gap;
  pen.font = `${g.font}px ${ink.mono}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  for (let line = seen.fromTop.first; line < seen.fromTop.stop; line++) {
    const row = g.rows - 1 - line;
    const y = g.top + line * g.cellHeight - at.top;
    for (let position = seen.columns.first; position < stop; position++) {
      const x = g.left + position * g.cellWidth - at.left;
      const cell = cellIndex(record, row, position);
      const shade = shadeIndex(scale, values[cell]);
      pen.fillStyle = shade < 0 ? ink.raised : table.fill[shade];
      pen.fillRect(x, y, width, height);
      pen.fillStyle = shade < 0 ? ink.muted : table.ink[shade];
      if (g.text) {
        const token = record.vocabulary[record.top[cell * record.k]];
        pen.fillText(fitter.fit(pen, token, width - 6), x + width / 2, y + height / 2 + 0.5);
      }
      if (marks?.[cell]) paintMark(pen, x, y, width, height);
    }
  }
}

/** A filled corner: read by shape, not by colour. */
function paintMark(pen: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  const size = Math.max(3, Math.min(8, width * 0.6, height * 0.45));
  pen.beginPath();
  pen.moveTo(x + width, y);
  pen.lineTo(x + width - size, y);
  pen.lineTo(x + width, y + size);
  pen.fill();
}

function paintHeader(
  pen: CanvasRenderingContext2D,
  at: Window,
  picture: Picture,
  ink: Ink,
  fitter: Fitter,
): void {
  const { geometry: g, record } = picture;
  const { columns } = visible(g, at.left, at.top, at.width, at.height);
  pen.fillStyle = ink.background;
  pen.fillRect(0, 0, at.width, g.top);
  pen.save();
  pen.beginPath();
  pen.rect(g.left, 0, at.width - g.left, g.top);
  pen.clip();
  pen.textBaseline = "middle";
  pen.textAlign = "center";
  const stop = Math.min(columns.stop, record.tokens.length);
  for (let position = columns.first; position < stop; position++) {
    const middle = g.left + (position + 0.5) * g.cellWidth - at.left;
    if (g.headerText) {
      pen.font = `600 12px ${ink.mono}`;
      pen.fillStyle = ink.text;
      pen.fillText(fitter.fit(pen, record.tokens[position], g.cellWidth - 6), middle, 12);
    }
    if (isColumnLabelled(position, g.columnStep)) {
      pen.font = `10px ${ink.sans}`;
      pen.fillStyle = ink.muted;
      pen.fillText(String(position), middle, g.top - 9);
    }
  }
  pen.restore();
}

function paintRowLabels(pen: CanvasRenderingContext2D, at: Window, picture: Picture, ink: Ink): void {
  const { geometry: g, record } = picture;
  const { fromTop } = visible(g, at.left, at.top, at.width, at.height);
  pen.fillStyle = ink.background;
  pen.fillRect(0, 0, g.left, at.height);
  pen.save();
  pen.beginPath();
  pen.rect(0, g.top, g.left, at.height - g.top);
  pen.clip();
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.font = `11px ${ink.sans}`;
  pen.fillStyle = ink.text;
  for (let line = fromTop.first; line < fromTop.stop; line++) {
    const row = g.rows - 1 - line;
    if (!isRowLabelled(row, g.rows, g.rowStep)) continue;
    const room = (part: string) => pen.measureText(part).width <= g.left - 8;
    pen.fillText(shorten(record.rows[row], room), g.left - 6, g.top + (line + 0.5) * g.cellHeight - at.top);
  }
  pen.restore();
  pen.font = `10px ${ink.sans}`;
  pen.fillStyle = ink.muted;
  pen.textAlign = "right";
  if (g.headerText) pen.fillText("token →", g.left - 6, 12);
  pen.fillText("layer ↑", g.left - 6, g.top - 9);
  if (at.left > 0) {
    // columns have gone under the labels
    pen.fillStyle = ink.line;
    pen.fillRect(g.left - 1, 0, 1, at.height);
  }
}
