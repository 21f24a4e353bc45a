import type { Scale } from "../shared/colour";
import type { Head, HeadMap, Page } from "./page";
import { mapStart } from "./page";

/** Where things go at a width, for a model of so many layers and heads. */
export interface Arrangement {
  /** `strip`: few layers, the grid lies above; `beside`: the grid left of the large head; `stacked`: narrow. */
  kind: "strip" | "beside" | "stacked";
  /** Side of a thumbnail, CSS pixels. */
  thumb: number;
  /** Width and greatest height of the grid with its labels. */
  gridWidth: number;
  gridHeight: number;
  /** Width left for the large head. */
  detailWidth: number;
}

export const LABEL = 34;
export const GAP = 3;
const PANE_GAP = 20;

/** Choose the arrangement: thumbnails as large as the room allows, never too small to see. */
export function arrange(width: number, layers: number, heads: number): Arrangement {
  const clamp = (low: number, x: number, high: number) => Math.max(low, Math.min(high, Math.floor(x)));
  const bar = 14; // a scroll bar may stand beside the thumbnails
  const inside = (room: number) => (room - LABEL - bar) / heads - GAP;
  const wide = width >= 860;
  if (heads >= 3 * layers || !wide) {
    const thumb = clamp(26, inside(width), wide ? 92 : 64);
    const gridHeight = wide ? 420 : 330;
    return { kind: wide ? "strip" : "stacked", thumb, gridWidth: width, gridHeight, detailWidth: width };
  }
  const tall = 560 / layers - GAP;
  const thumb = clamp(26, Math.min(inside(width * 0.4), Math.max(tall, 34)), 84);
  const gridWidth = Math.min(LABEL + bar + heads * (thumb + GAP), Math.floor(width * 0.4));
  return { kind: "beside", thumb, gridWidth, gridHeight: 600, detailWidth: width - gridWidth - PANE_GAP };
}

/** Pixels of one thumbnail, `side` x `side`, each the maximum of what it covers; 0 where the future is. */
export function thumbnail(page: Page, layer: number, head: number, side: number, scale: Scale): Uint32Array {
  const { size, causal, codes } = page;
  const peak = new Int16Array(side * side).fill(-1);
  const place = new Uint16Array(size);
  for (let i = 0; i < size; i++) place[i] = Math.floor((i * side) / size);
  let from = mapStart(page, layer, head);
  for (let q = 0; q < size; q++) {
    const row = place[q] * side;
    for (let k = 0; k < (causal ? q + 1 : size); k++) {
      const at = row + place[k];
      const code = codes[from++];
      if (code > peak[at]) peak[at] = code;
    }
  }
  const pixels = new Uint32Array(side * side);
  for (let i = 0; i < peak.length; i++) if (peak[i] >= 0) pixels[i] = scale.rgba[peak[i]];
  return pixels;
}

/** Pixels of a large map, `side` x `side` (side <= map.size), each the maximum of what it covers. */
export function heatmapPixels(map: HeadMap, side: number, scale: Scale): Uint32Array {
  const pixels = new Uint32Array(side * side);
  const peak = new Float32Array(side * side).fill(-1);
  for (let q = 0; q < map.size; q++)
    for (let k = 0; k < (map.causal ? q + 1 : map.size); k++) {
      const at = Math.floor((q * side) / map.size) * side + Math.floor((k * side) / map.size);
      peak[at] = Math.max(peak[at], map.weights[q * map.size + k]);
    }
  for (let i = 0; i < pixels.length; i++)
    if (peak[i] >= 0) pixels[i] = scale.rgba[Math.round(255 * Math.sqrt(Math.min(1, peak[i])))];
  return pixels;
}

/** Which of `count` labels are drawn when each has `pixels` of room and needs `need`. */
export function thinned(count: number, pixels: number, need: number): number[] {
  const step = Math.max(1, Math.ceil(need / pixels));
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step);
}

/** A line of the token-to-token view. */
export interface Line {
  query: number;
  key: number;
  weight: number;
}

/** What the lines view draws of one map: the strongest lines, at most `limit`, and the weight they begin at. */
export function strongest(map: HeadMap, limit: number): { lines: Line[]; from: number } {
  const counts = new Uint32Array(256);
  const code = (weight: number) => Math.min(255, Math.floor(255 * Math.sqrt(weight)));
  for (const weight of map.weights) counts[code(weight)]++;
  let lowest = 255;
  for (let drawn = counts[255]; lowest > FAINTEST && drawn + counts[lowest - 1] <= limit; )
    drawn += counts[--lowest];
  const lines: Line[] = [];
  for (let i = 0; i < map.weights.length && lines.length < limit; i++)
    if (code(map.weights[i]) >= lowest)
      lines.push({ query: Math.floor(i / map.size), key: i % map.size, weight: map.weights[i] });
  return { lines, from: (lowest / 255) ** 2 };
}

// A line of weight 0.005 is as good as invisible.
const FAINTEST = 18;

/** The lines of one token, heaviest last so that they are drawn on top. */
export function linesOf(map: HeadMap, side: Side, at: number): Line[] {
  const { size, weights } = map;
  const all = Array.from({ length: size }, (_, other) =>
    side === "query"
      ? { query: at, key: other, weight: weights[at * size + other] }
      : { query: other, key: at, weight: weights[other * size + at] },
  );
  return all.filter((line) => line.weight >= 0.002).sort((a, b) => a.weight - b.weight);
}

/** The two columns of the lines view. */
export type Side = "query" | "key";

/** "L5H1". */
export function headName([layer, head]: Head): string {
  return `L${layer}H${head}`;
}

export function isSame(a: Head, b: Head): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

/** The selection with a head added, or taken out when it was in. */
export function toggled(heads: readonly Head[], head: Head): Head[] {
  const rest = heads.filter((other) => !isSame(other, head));
  return rest.length < heads.length ? rest : [...heads, head];
}

/** The selection with every head of a rectangle of the grid added. */
export function stretched(heads: readonly Head[], from: Head, to: Head): Head[] {
  const out = [...heads];
  const [top, bottom] = [Math.min(from[0], to[0]), Math.max(from[0], to[0])];
  const [left, right] = [Math.min(from[1], to[1]), Math.max(from[1], to[1])];
  for (let layer = top; layer <= bottom; layer++)
    for (let head = left; head <= right; head++)
      if (!out.some((other) => isSame(other, [layer, head]))) out.push([layer, head]);
  return out;
}

/** A weight and its error, with the digits that mean something. */
export function weightText(weight: number, error: number): string {
  const digits = weight >= 0.0995 ? 3 : weight >= 0.00095 ? 4 : 5;
  return `${weight.toFixed(digits)} ± ${error.toFixed(digits)}`;
}

/** A weight among others, shortly. */
export function shortWeight(weight: number): string {
  return weight.toFixed(weight < 0.0095 ? 3 : 2);
}
