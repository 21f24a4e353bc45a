/** Pages with heads of known kinds, in the wire form, for tests and for looking at the picture. */

const WORDS = "<bos> When ·Mary ·and ·John ·went ·to ·the ·store ,⏎ ·John ·gave ·a ·drink ·to ·Mary".split(
  " ",
);

/** Weight of query q on key k in each planted kind of head, before the row is normed. */
const KINDS: ((q: number, k: number) => number)[] = [
  (q, k) => (k === Math.max(0, q - 1) ? 1 : 0), // previous token
  (_, k) => (k === 0 ? 1 : 0.01), // first token
  (q, k) => (q === k ? 1 : 0), // itself
  () => 1, // everything alike
  (q, k) => 0.75 ** (q - k), // fading with distance
  (q, k) => (k % 5 === q % 5 ? 1 : 0.03), // a period of five
];

export interface Planted {
  layers: number;
  heads: number;
  tokens: number | string[];
  /** Size of the blocks a map row stands for. */
  pooled?: number;
  title?: string;
}

/** The weights of one planted head, query by key. */
export function plantedWeights(kind: number, n: number): number[][] {
  return Array.from({ length: n }, (_, q) => {
    const row = Array.from({ length: q + 1 }, (_, k) => KINDS[kind % KINDS.length](q, k));
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((weight) => weight / sum);
  });
}

/** sqrt-u8 codes of a lower triangle, row by row. */
export function encodeTriangle(weights: readonly number[][]): Uint8Array {
  return Uint8Array.from(weights.flat(), (weight) => Math.round(255 * Math.sqrt(weight)));
}

/** A packed AttentionPage whose head number i (layer after layer) is of kind i modulo six. */
export function plantedPage({ layers, heads, tokens, pooled = 1, title = "planted" }: Planted) {
  const names =
    typeof tokens === "number" ? Array.from({ length: tokens }, (_, i) => WORDS[i % WORDS.length]) : tokens;
  const size = Math.ceil(names.length / pooled);
  const kinds = KINDS.map((_, kind) => encodeTriangle(plantedWeights(kind, size)));
  const entries = kinds[0].length;
  const data = new Uint8Array(layers * heads * entries);
  for (let map = 0; map < layers * heads; map++) data.set(kinds[map % kinds.length], map * entries);
  const maps = { dtype: "uint8", shape: [layers, heads, size, size], codec: "sqrt-u8", triangle: true };
  return {
    record: "AttentionPage",
    version: 1,
    fields: {
      model: "planted model",
      title,
      tokens: names,
      pooled,
      maps: { ...maps, data: new DataView(data.buffer) },
    },
  };
}

/** A packed NextTokens with a planted change. */
export function plantedEffect() {
  const array = (numbers: Float32Array | Int32Array, dtype: string) => ({
    dtype,
    shape: [numbers.length],
    data: new DataView(numbers.buffer as ArrayBuffer),
  });
  return {
    record: "NextTokens",
    version: 1,
    fields: {
      model: "planted model",
      position: 'after "·to" (pos 14)',
      edit: "L0H1 and L3H2 replaced by zero",
      tokens: ["·John", "·Mary", "·the", "<b>bold</b>", "·her"],
      ids: array(new Int32Array([50, 51, 52, 53, 54]), "int32"),
      probability: array(new Float32Array([0.431, 0.207, 0.118, 0.0441, 0.0002]), "float32"),
      baseline: array(new Float32Array([0.122, 0.683, 0.0712, 0.044, 0.0121]), "float32"),
    },
  };
}

/** The traits of a widget on a planted page. */
export function plantedState(planted: Planted, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    data: plantedPage(planted),
    heads: [],
    focus: [0, 0],
    locked: null,
    prompt: 0,
    prompts: ["When Mary and John went to the store"],
    effect: null,
    ...more,
  };
}
