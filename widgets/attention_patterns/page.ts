import { codeError, decode, fieldsOf, type PackedArray, strings, type WireArray } from "../shared/array";

/** A head's place in the model. */
export type Head = readonly [layer: number, head: number];

/** All heads of one prompt, as the record AttentionPage holds them. */
export interface Page {
  model: string;
  title: string;
  tokens: string[];
  layers: number;
  heads: number;
  /** Rows (and columns) of every map: tokens, or blocks of `pooled` tokens. */
  size: number;
  /** How many tokens a row of a map stands for: 1 is full resolution, more is the maximum over a block. */
  pooled: number;
  /** Nothing reads a later token: maps hold the lower triangle alone. */
  causal: boolean;
  /** Weights as sqrt-u8 codes, map after map. */
  codes: Uint8Array;
}

/** One map with plain numbers: weights[query * size + key]. */
export interface HeadMap {
  size: number;
  /** How many tokens one row stands for. */
  pooled: number;
  causal: boolean;
  weights: Float32Array;
}

/** Read a packed AttentionPage, or say in words why it can't be drawn. */
export function readPage(packed: unknown, buffers: readonly DataView[] = []): Page {
  const fields = fieldsOf(packed, "AttentionPage");
  const tokens = strings(fields, "tokens");
  const maps = decode(fields.maps as PackedArray, buffers);
  const pooled = fields.pooled as number;
  if (maps.shape.length !== 4)
    throw new Error(`Maps of the shape [${maps.shape}] are not layer x head x query x key.`);
  const [layers, heads, size, keys] = maps.shape;
  if (size !== keys) throw new Error(`Maps of ${size} queries and ${keys} keys are not square.`);
  if (!Number.isInteger(pooled) || pooled < 1 || Math.ceil(tokens.length / pooled) !== size)
    throw new Error(`${tokens.length} tokens in blocks of ${pooled} do not make maps of ${size} rows.`);
  if (layers * heads * size === 0) throw new Error("There is no head or no token to draw.");
  const { codes, causal } = asCodes(maps);
  const named = { model: String(fields.model), title: String(fields.title ?? "") };
  return { ...named, tokens, layers, heads, size, pooled, causal, codes };
}

/** Whether two pages hold the same maps of the same tokens. */
export function isSamePage(a: Page, b: Page | undefined): boolean {
  return (
    b !== undefined &&
    a.pooled === b.pooled &&
    a.tokens.join() === b.tokens.join() &&
    a.codes.length === b.codes.length &&
    a.codes.every((code, i) => code === b.codes[i])
  );
}

/** Read the full-resolution map of one head, the answer to a request `head`. */
export function readHead(packed: unknown, buffers: readonly DataView[], size: number): HeadMap {
  const map = decode(packed as PackedArray, buffers);
  if (map.shape.length !== 2 || map.shape[0] !== size || map.shape[1] !== size)
    throw new Error(`The kernel sent a map of the shape [${map.shape}]; ${size} x ${size} was expected.`);
  const { codes, causal } = asCodes(map);
  return mapOf(codes, 0, size, causal, 1);
}

/** The map of one head as the page holds it (pooled when the page is). */
export function headMap(page: Page, [layer, head]: Head): HeadMap {
  return mapOf(page.codes, mapStart(page, layer, head), page.size, page.causal, page.pooled);
}

/** Where a head's codes begin in `page.codes`. */
export function mapStart(page: Page, layer: number, head: number): number {
  const entries = page.causal ? (page.size * (page.size + 1)) / 2 : page.size ** 2;
  return (layer * page.heads + head) * entries;
}

/** The mean of maps of one size. */
export function meanMap(maps: readonly HeadMap[]): HeadMap {
  if (maps.length === 1) return maps[0];
  const weights = new Float32Array(maps[0].weights.length);
  for (const map of maps) for (let i = 0; i < weights.length; i++) weights[i] += map.weights[i];
  for (let i = 0; i < weights.length; i++) weights[i] /= maps.length;
  return { ...maps[0], weights };
}

/**
 * How far a weight can be from the model's own, because it travelled as one byte.
 * It holds for means too: the error grows with the root of the weight, and the mean of roots is at most the root of the mean.
 */
export function weightError(weight: number): number {
  return codeError(255 * Math.sqrt(weight));
}

function mapOf(codes: Uint8Array, start: number, size: number, causal: boolean, pooled: number): HeadMap {
  const weights = new Float32Array(size * size);
  let from = start;
  for (let q = 0; q < size; q++)
    for (let k = 0; k < (causal ? q + 1 : size); k++) weights[q * size + k] = (codes[from++] / 255) ** 2;
  return { size, pooled, causal, weights };
}

/** Codes of an array that may have come as plain floats (then its upper triangle is there, and drawn). */
function asCodes(maps: WireArray): { codes: Uint8Array; causal: boolean } {
  const codes =
    maps.codec === "sqrt-u8"
      ? (maps.data as Uint8Array)
      : Uint8Array.from(maps.data, (weight) => Math.round(255 * Math.sqrt(Math.max(0, Math.min(1, weight)))));
  return { codes, causal: maps.triangle };
}
