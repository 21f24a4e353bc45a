import { zlibSync } from "fflate";
import { describe, expect, it } from "vitest";
import { codeError, decode, fieldsOf, floats } from "./array";

const shifted = (bytes: Uint8Array, by: number) => {
  const raw = new Uint8Array(bytes.length + by);
  raw.set(bytes, by);
  return new DataView(raw.buffer, by);
};

describe("decode", () => {
  it("reads a buffer that starts at any byte", () => {
    const bytes = new Uint8Array(new Float32Array([1.5, -2, 0.25]).buffer);
    for (const by of [0, 1, 2, 3, 4, 7]) {
      const { data } = decode({ dtype: "float32", shape: [3], data: shifted(bytes, by) });
      expect([...data]).toEqual([1.5, -2, 0.25]);
    }
  });

  it("takes bytes from a message buffer, an ArrayBuffer or base64", () => {
    const bytes = new Uint8Array([1, 2, 3]);
    expect([...decode({ dtype: "uint8", shape: [3], buffer: 1 }, [new Uint8Array(9), bytes]).data]).toEqual([
      1, 2, 3,
    ]);
    expect([...decode({ dtype: "uint8", shape: [3], data: bytes.buffer }).data]).toEqual([1, 2, 3]);
    expect([...decode({ dtype: "uint8", shape: [3], data64: btoa("\x01\x02\x03") }).data]).toEqual([1, 2, 3]);
  });

  it("undoes sqrt-u8 and fills the triangle", () => {
    const data = new Uint8Array([255, 51, 102, 0, 0, 255]);
    const maps = decode({ dtype: "uint8", shape: [1, 3, 3], data, codec: "sqrt-u8", triangle: true });
    const expected = [1, 0, 0, 0.04, 0.16, 0, 0, 0, 1];
    floats(maps).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 6);
    });
  });

  it("states an error no decoded value can exceed", () => {
    for (let i = 0; i <= 1000; i++) {
      const code = Math.round(Math.sqrt(i / 1000) * 255);
      expect(Math.abs((code / 255) ** 2 - i / 1000)).toBeLessThanOrEqual(codeError(code) + 1e-12);
    }
  });

  it("inflates, wherever the stream begins", () => {
    const bytes = Uint8Array.from({ length: 30_000 }, (_, i) => (i * i) % 251);
    const data = shifted(zlibSync(bytes), 3);
    expect(decode({ dtype: "uint8", shape: [30_000], data, deflate: true }).data).toEqual(bytes);
  });

  it("refuses a stream that is cut, damaged, too short or too long", () => {
    const whole = zlibSync(Uint8Array.from({ length: 30_000 }, (_, i) => (i * 7) % 251));
    const read = (data: Uint8Array, length: number) => () =>
      decode({ dtype: "uint8", shape: [length], data, deflate: true });
    expect(read(whole.slice(0, -40), 30_000)).toThrow("damaged");
    expect(read(new Uint8Array(50).fill(9), 30_000)).toThrow("damaged");
    expect(read(whole, 40_000)).toThrow("needs 40000 bytes; 30000 arrived");
    expect(read(whole, 20_000)).toThrow();
  });

  it.each([
    [{ dtype: "float64", shape: [1], data: new Uint8Array(8) }, 'type "float64"'],
    [{ dtype: "float32", shape: [2], data: new Uint8Array(4) }, "needs 8 bytes; 4 arrived"],
    [{ dtype: "float32", shape: [-1], data: new Uint8Array(4) }, "not a list of sizes"],
    [{ dtype: "uint8", shape: [1], data: new Uint8Array(1), codec: "zip" }, 'code "zip"'],
    [{ dtype: "uint8", shape: [2, 3], data: new Uint8Array(3), triangle: true }, "must be equal"],
    [{ dtype: "uint8", shape: [1], buffer: 4 }, "without its bytes"],
  ])("refuses %o in words", (packed, words) => {
    expect(() => decode(packed)).toThrow(words);
  });

  it("refuses another record or version in words", () => {
    expect(() => fieldsOf(null, "AttentionPage")).toThrow("AttentionPage; nothing arrived");
    expect(() => fieldsOf({ record: "Flow", version: 1, fields: {} }, "AttentionPage")).toThrow(
      "a Flow arrived",
    );
    expect(() => fieldsOf({ record: "Flow", version: 2, fields: {} }, "Flow")).toThrow("version 2 arrived");
  });
});
