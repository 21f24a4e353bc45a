/** What the colours mean: values of a metric over the grid, its scale with numbers and units, numbers in words. */

import { cellIndex, type Decoded, placeOf } from "./record";

/** The three values of the trait `metric`; the third one can show the tracked token's rank or its probability. */
export type Metric = "probability" | "entropy" | "rank";
export type Shade = Metric | "tracked";

export interface Tick {
  /** 0..1 along the scale. */
  at: number;
  text: string;
}

export interface Scale {
  name: string;
  unit: string;
  diverging: boolean;
  low: number;
  high: number;
  /** Light end is the low end: little entropy and a low rank are what a model is sure of. */
  reversed: boolean;
  ticks: Tick[];
}

/** Values in the units of the scale (rank: log10 of #1, #2, ...); NaN where there is none. */
export function valuesOf(record: Decoded, shade: Shade, id: number | null): Float32Array {
  const cells = record.rows.length * record.tokens.length;
  const out = new Float32Array(cells);
  if (shade === "entropy") return Float32Array.from(record.entropy);
  if (shade === "probability") {
    for (let i = 0; i < cells; i++) out[i] = record.probability[i * record.k];
    return out;
  }
  const at = id === null ? -1 : placeOf(record, id);
  if (at < 0) return out.fill(Number.NaN);
  for (let i = 0; i < cells; i++)
    out[i] =
      shade === "rank"
        ? Math.log10(record.trackedRank[at * cells + i] + 1)
        : record.trackedProbability[at * cells + i];
  return out;
}

/** B minus A at the same row and position, laid out as `like`; a lower rank counts as a gain, so its sign is turned. */
export function difference(
  a: { record: Decoded; values: Float32Array },
  b: { record: Decoded; values: Float32Array },
  like: Decoded,
  shade: Shade,
): Float32Array {
  const out = new Float32Array(like.rows.length * like.tokens.length).fill(Number.NaN);
  if (a.record.rows.length !== b.record.rows.length) return out;
  const shared = Math.min(a.record.tokens.length, b.record.tokens.length);
  const sign = shade === "rank" ? -1 : 1;
  for (let row = 0; row < like.rows.length; row++)
    for (let position = 0; position < shared; position++)
      out[cellIndex(like, row, position)] =
        sign * (b.values[cellIndex(b.record, row, position)] - a.values[cellIndex(a.record, row, position)]);
  return out;
}

function largest(values: readonly Float32Array[]): number {
  let most = 0;
  for (const list of values) for (const v of list) if (Math.abs(v) > most) most = Math.abs(v);
  return most;
}

/** One scale for all grids on the screen, so that equal colours are equal numbers. */
export function scaleOf(shade: Shade, values: readonly Float32Array[]): Scale {
  if (shade === "probability" || shade === "tracked")
    return {
      name: shade === "probability" ? "probability of the top token" : "probability of the tracked token",
      unit: "",
      diverging: false,
      low: 0,
      high: 1,
      reversed: false,
      ticks: [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, text: `${at * 100}%` })),
    };
  if (shade === "entropy") {
    const high = Math.max(1, Math.ceil(largest(values)));
    const step = high > 8 ? 4 : high > 4 ? 2 : 1;
    const inner = steps(0, high, step).filter((v) => v === high || high - v > step / 2);
    const marks = inner.includes(high) ? inner : [...inner, high];
    return {
      name: "entropy of the decoded distribution",
      unit: "bits",
      diverging: false,
      low: 0,
      high,
      reversed: true,
      ticks: marks.map((v) => ({ at: v / high, text: String(v) })),
    };
  }
  const high = Math.max(1, Math.ceil(largest(values)));
  return {
    name: "rank of the tracked token",
    unit: "log scale, #1 = top",
    diverging: false,
    low: 0,
    high,
    reversed: true,
    ticks: steps(0, high, 1).map((v) => ({ at: v / high, text: `#${short(10 ** v)}` })),
  };
}

/** The scale of B minus A, symmetric about zero. */
export function differenceScale(shade: Shade, values: readonly Float32Array[]): Scale {
  const most = largest(values);
  const base = { low: 0, high: 0, reversed: false, diverging: true };
  const symmetric = (high: number, text: (v: number) => string, at = [-1, -0.5, 0, 0.5, 1]) => ({
    ...base,
    low: -high,
    high,
    ticks: at.map((v) => ({ at: (v + 1) / 2, text: text(v * high) })),
  });
  if (shade === "entropy")
    return { name: "entropy, B − A", unit: "bits", ...symmetric(Math.max(1, Math.ceil(most)), signed) };
  if (shade === "rank") {
    const high = Math.max(1, Math.ceil(most));
    const times = (v: number) =>
      v === 0 ? "same" : `${short(10 ** Math.abs(v))}× ${v < 0 ? "lower" : "higher"} in B`;
    const scale = symmetric(high, times, [-1, 0, 1]);
    return { name: "rank of the tracked token, B against A", unit: "log scale", ...scale };
  }
  const high = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5].find((v) => v >= most) ?? 1;
  return {
    name:
      shade === "tracked" ? "probability of the tracked token, B − A" : "probability of the top token, B − A",
    unit: "percentage points",
    ...symmetric(high, (v) => signed(v * 100)),
  };
}

const steps = (low: number, high: number, step: number): number[] =>
  Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, i) => low + i * step);

const signed = (v: number): string => {
  const text = String(Math.abs(Math.round(v * 100) / 100));
  return v > 0 ? `+${text}` : v < 0 ? `−${text}` : text;
};

/** 0..1 along the scale, clamped; NaN stays NaN. */
export function along(scale: Scale, value: number): number {
  if (Number.isNaN(value)) return value;
  return Math.max(0, Math.min(1, (value - scale.low) / (scale.high - scale.low)));
}

/** Entry of a 256-entry colour table, or -1 where there is no value. */
export function shadeIndex(scale: Scale, value: number): number {
  const t = along(scale, value);
  if (Number.isNaN(t)) return -1;
  return Math.round((scale.reversed ? 1 - t : t) * 255);
}

/** 1234567 -> "1.2M", 49152 -> "49k": for ticks. */
export function short(n: number): string {
  if (n < 1000) return String(Math.round(n));
  const [value, unit] = n < 1e6 ? [n / 1e3, "k"] : [n / 1e6, "M"];
  return `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)}${unit}`;
}

/** A probability as a reader wants it: 43.2%, 0.52%, and powers of ten below. */
export function percent(p: number): string {
  if (Number.isNaN(p)) return "–";
  if (p >= 0.9995) return p === 1 ? "100%" : `${(p * 100).toFixed(2)}%`;
  if (p >= 0.1) return `${(p * 100).toFixed(1)}%`;
  if (p >= 0.0001) return `${(p * 100).toFixed(2)}%`;
  return p === 0 ? "0%" : p.toExponential(1).replace("e-", "e−");
}

/** Rank 0 of the record is the top token: #1 on the screen. */
export const ordinal = (rank: number): string => `#${String(rank + 1).replace(/\B(?=(\d{3})+$)/g, ",")}`;

export const bits = (h: number): string => `${h.toFixed(2)} bits`;
