import { unzlibSync } from "fflate";

/** The wire form of arrays and records (workbench/pack.py): checked here, because it came over a network. */

const KINDS = {
  float32: Float32Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

export type Numbers = InstanceType<(typeof KINDS)[keyof typeof KINDS]>;
type Bytes = DataView | ArrayBuffer | Uint8Array;

/** An array as it travels: its bytes are in `data`, in message buffer number `buffer`, or base64 in `data64`. */
export interface PackedArray {
  dtype: string;
  shape: number[];
  data?: Bytes;
  buffer?: number;
  data64?: string;
  codec?: string;
  triangle?: boolean;
  deflate?: boolean;
}

/** A checked array: `data` holds the codes as sent (`codec` not undone, triangle not filled). */
export interface WireArray<T extends Numbers = Numbers> {
  dtype: string;
  shape: number[];
  data: T;
  codec: "sqrt-u8" | null;
  triangle: boolean;
}

/** A record as it travels. */
export interface PackedRecord {
  record: string;
  version: number;
  fields: Record<string, unknown>;
}

/** Check a packed array and view its bytes as numbers; `buffers` are those of the message it came in. */
export function decode<T extends Numbers = Numbers>(
  packed: PackedArray,
  buffers: readonly Bytes[] = [],
): WireArray<T> {
  const Kind = KINDS[packed?.dtype as keyof typeof KINDS];
  if (!Kind) throw new Error(`An array of type "${packed?.dtype}" arrived, which this picture cannot read.`);
  const { shape, codec = null, triangle = false } = packed;
  if (!Array.isArray(shape) || !shape.every((n) => Number.isInteger(n) && n >= 0))
    throw new Error(
      `An array arrived with the shape ${JSON.stringify(shape)}, which is not a list of sizes.`,
    );
  if (codec !== null && (codec !== "sqrt-u8" || packed.dtype !== "uint8"))
    throw new Error(`An array arrived in the code "${codec}" of ${packed.dtype}, which is not known here.`);
  const size = entries(shape, triangle) * Kind.BYTES_PER_ELEMENT;
  const sent = bytesOf(packed, buffers);
  const bytes = packed.deflate ? inflate(sent, size, packed.dtype) : sent;
  if (bytes.byteLength !== size)
    throw new Error(
      `An array of ${packed.dtype} [${shape}] needs ${size} bytes; ${bytes.byteLength} arrived.`,
    );
  // A buffer of a kernel message may start anywhere; typed arrays may not.
  const aligned = bytes.byteOffset % Kind.BYTES_PER_ELEMENT === 0;
  const { buffer, byteOffset } = aligned ? bytes : bytes.slice();
  const data = new Kind(buffer as ArrayBuffer, byteOffset, size / Kind.BYTES_PER_ELEMENT) as T;
  return { dtype: packed.dtype, shape, data, codec: codec as "sqrt-u8" | null, triangle };
}

/** The plain values of an array: codec undone, triangle filled with zeros above the diagonal. */
export function floats(array: WireArray): Float32Array {
  const value = array.codec ? (u: number) => (u / 255) ** 2 : (u: number) => u;
  if (!array.triangle) return Float32Array.from(array.data, value);
  const n = array.shape[array.shape.length - 1];
  const out = new Float32Array(array.shape.reduce((a, b) => a * b, 1));
  let from = 0;
  for (let map = 0; map < out.length; map += n * n)
    for (let q = 0; q < n; q++) for (let k = 0; k <= q; k++) out[map + q * n + k] = value(array.data[from++]);
  return out;
}

/** How far a value decoded from this sqrt-u8 code can be from the true one. */
export function codeError(code: number): number {
  // Half a step upwards, which is the larger side: ((u + 1/2) / 255)^2 - (u / 255)^2.
  return (code + 0.25) / 65025;
}

/** The fields of a packed record, or an error in words when it is another record or version. */
export function fieldsOf(packed: unknown, record: string, version = 1): Record<string, unknown> {
  const got = packed as PackedRecord | null | undefined;
  if (!got || typeof got !== "object" || got.record !== record || typeof got.fields !== "object")
    throw new Error(`This picture draws a record ${record}; ${describe(got)} arrived.`);
  if (got.version !== version)
    throw new Error(
      `This picture reads version ${version} of ${record}; version ${got.version} arrived. Rebuild the widgets.`,
    );
  return got.fields;
}

/** A field that is a list of strings (tokens and the like); anything else is an error in words. */
export function strings(fields: Record<string, unknown>, name: string): string[] {
  const list = fields[name];
  if (!Array.isArray(list) || !list.every((text) => typeof text === "string"))
    throw new Error(`The field "${name}" should be a list of strings.`);
  return list;
}

/** The bytes of a base64 text. */
export function fromBase64(text: string): DataView<ArrayBuffer> {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return new DataView(bytes.buffer);
}

function entries(shape: number[], triangle: boolean): number {
  const product = (list: number[]) => list.reduce((a, b) => a * b, 1);
  if (!triangle) return product(shape);
  const [q, k] = shape.slice(-2);
  if (shape.length < 2 || q !== k)
    throw new Error(`A triangle arrived with the shape [${shape}]; its last two sizes must be equal.`);
  return (product(shape.slice(0, -2)) * q * (q + 1)) / 2;
}

function inflate(sent: Uint8Array, size: number, dtype: string): Uint8Array {
  try {
    // Room for one byte more than it should have: then too many are seen, and a huge stream ends here.
    return unzlibSync(sent, { out: new Uint8Array(size + 1) });
  } catch {
    throw new Error(`An array of ${dtype} arrived as a damaged zlib stream.`);
  }
}

function bytesOf(packed: PackedArray, buffers: readonly Bytes[]): Uint8Array {
  const found =
    packed.data64 !== undefined
      ? fromBase64(packed.data64)
      : (packed.data ?? (packed.buffer === undefined ? undefined : buffers[packed.buffer]));
  if (found instanceof ArrayBuffer) return new Uint8Array(found);
  if (!ArrayBuffer.isView(found)) throw new Error(`An array of ${packed.dtype} arrived without its bytes.`);
  return new Uint8Array(found.buffer as ArrayBuffer, found.byteOffset, found.byteLength);
}

function describe(got: PackedRecord | null | undefined): string {
  if (got === null || got === undefined) return "nothing";
  return typeof got === "object" && got.record ? `a ${got.record}` : "something else";
}
