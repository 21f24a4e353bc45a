/** The record DecodedStates as the view reads it. Row 0 is the embedding; flat arrays are [row, position, ...]. */

import { decode, fieldsOf, type PackedArray, strings } from "../shared/array";

export interface Decoded {
  model: string;
  decoder: string;
  tokens: string[];
  rows: string[];
  /** How many decoded tokens every cell holds. */
  k: number;
  vocabulary: string[];
  ids: ArrayLike<number>;
  top: ArrayLike<number>;
  probability: ArrayLike<number>;
  entropy: ArrayLike<number>;
  /** Indices into `vocabulary`, in the order of the trait `tracked`. */
  tracked: ArrayLike<number>;
  trackedProbability: ArrayLike<number>;
  trackedRank: ArrayLike<number>;
}

export interface Guess {
  /** Index into the vocabulary of the record, and the model's own id. */
  index: number;
  id: number;
  token: string;
  probability: number;
}

/** Reads a packed record; a record of another kind, or with shapes that contradict each other, is an error in words. */
export function readRecord(packed: unknown): Decoded {
  const fields = fieldsOf(packed, "DecodedStates");
  const tokens = strings(fields, "tokens");
  const rows = strings(fields, "rows");
  const vocabulary = strings(fields, "vocabulary");
  const sizes = (name: string) => decode(fields[name] as PackedArray).shape;
  const array = (name: string, ...shape: number[]): ArrayLike<number> => {
    const value = decode(fields[name] as PackedArray);
    if (String(value.shape) !== String(shape))
      throw new Error(
        `The record's ${name} has the shape [${value.shape}]; its other fields say [${shape}].`,
      );
    return value.data;
  };
  const k = sizes("top")[2] ?? 0;
  const followed = sizes("tracked")[0] ?? 0;
  if (rows.length * tokens.length * k === 0)
    throw new Error("The record is empty: it needs at least one row, one token and one decoded token.");
  const record: Decoded = {
    model: String(fields.model),
    decoder: String(fields.decoder),
    tokens,
    rows,
    k,
    vocabulary,
    ids: array("vocabulary_ids", vocabulary.length),
    top: array("top", rows.length, tokens.length, k),
    probability: array("probability", rows.length, tokens.length, k),
    entropy: array("entropy", rows.length, tokens.length),
    tracked: array("tracked", followed),
    trackedProbability: array("tracked_probability", followed, rows.length, tokens.length),
    trackedRank: array("tracked_rank", followed, rows.length, tokens.length),
  };
  for (const list of [record.top, record.tracked])
    for (let i = 0; i < list.length; i++)
      if (!(list[i] >= 0 && list[i] < vocabulary.length))
        throw new Error(
          "The record names a decoded token that is not in its vocabulary. Make the record again.",
        );
  return record;
}

export const cellIndex = (record: Decoded, row: number, position: number): number =>
  row * record.tokens.length + position;

/** The decoded tokens of one cell, best first. */
export function guesses(record: Decoded, row: number, position: number): Guess[] {
  const start = cellIndex(record, row, position) * record.k;
  return Array.from({ length: record.k }, (_, j) => {
    const index = record.top[start + j];
    return {
      index,
      id: record.ids[index],
      token: record.vocabulary[index],
      probability: record.probability[start + j],
    };
  });
}

export interface Followed {
  /** Place in the record's `tracked`. */
  at: number;
  id: number;
  token: string;
}

export function followedTokens(record: Decoded): Followed[] {
  return Array.from(record.tracked, (index, at) => ({
    at,
    id: record.ids[index],
    token: record.vocabulary[index],
  }));
}

/** Place of a model token in the record's `tracked`, or -1. The two prompts of a comparison are matched by id. */
export function placeOf(record: Decoded, id: number): number {
  return Array.from(record.tracked).findIndex((index) => record.ids[index] === id);
}

export function trackedAt(record: Decoded, at: number, row: number, position: number) {
  const cell = at * record.rows.length * record.tokens.length + cellIndex(record, row, position);
  return { probability: record.trackedProbability[cell], rank: record.trackedRank[cell] };
}

/** Marks the cells of `a` whose best token is another one in `b` at the same row and position. */
export function differing(a: Decoded, b: Decoded): Uint8Array {
  const marks = new Uint8Array(a.rows.length * a.tokens.length);
  if (a.rows.length !== b.rows.length) return marks;
  const shared = Math.min(a.tokens.length, b.tokens.length);
  for (let row = 0; row < a.rows.length; row++)
    for (let position = 0; position < shared; position++) {
      const best = (r: Decoded) => r.ids[r.top[cellIndex(r, row, position) * r.k]];
      if (best(a) !== best(b)) marks[cellIndex(a, row, position)] = 1;
    }
  return marks;
}

/** A prompt that should give these tokens: visible spaces become spaces again, byte pieces become letters, and the
 *  marker that the tokenizer puts in front on its own goes. Only a first guess for the text box. */
export function promptFrom(tokens: readonly string[]): string {
  const special = /^(<\|[^|]*\|>|<s>|<bos>|\[CLS\])$/;
  const first = tokens[0] ?? "";
  const own = special.test(first) && !tokens.includes(first, 1);
  const bytes = (run: string) => {
    const values = Array.from(run.matchAll(/<0x([0-9A-F]{2})>/g), (m) => Number.parseInt(m[1], 16));
    return new TextDecoder().decode(new Uint8Array(values));
  };
  return tokens
    .slice(own ? 1 : 0)
    .join("")
    .replaceAll("·", " ")
    .replaceAll("⏎", "\n")
    .replaceAll("⇥", "\t")
    .replace(/(<0x[0-9A-F]{2}>)+/g, bytes);
}
