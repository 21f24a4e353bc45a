import { describe, expect, it } from "vitest";
import { sequential } from "../shared/colour";
import { decoded, TOKENS, VOCABULARY } from "./fixture";
import { shorten } from "./paint";
import { differing, followedTokens, guesses, placeOf, promptFrom, readRecord, trackedAt } from "./record";
import {
  along,
  difference,
  differenceScale,
  ordinal,
  percent,
  scaleOf,
  shadeIndex,
  short,
  valuesOf,
} from "./values";

const a = readRecord(decoded());

describe("record", () => {
  it("reads cells, ids and tracked tokens", () => {
    expect(guesses(a, 3, 1)).toEqual([
      { index: 4, id: 104, token: VOCABULARY[4], probability: 0.75 },
      { index: 5, id: 105, token: "⏎", probability: 0.375 },
      { index: 6, id: 106, token: "·a", probability: 0.1875 },
    ]);
    expect(followedTokens(a)).toEqual([{ at: 0, id: 102, token: "·Paris" }]);
    expect(placeOf(a, 102)).toBe(0);
    expect(placeOf(a, 100)).toBe(-1);
    expect(trackedAt(a, 0, 2, 4)).toEqual({ probability: 0.5, rank: 9 });
  });
  it("refuses other records, other shapes and unknown tokens in words", () => {
    expect(() => readRecord({ record: "Circuit", version: 1, fields: {} })).toThrow(/DecodedStates.*Circuit/);
    const narrow = decoded();
    narrow.fields.tokens = TOKENS.slice(1);
    expect(() => readRecord(narrow)).toThrow(/top has the shape \[4,5,3\]; its other fields say \[4,4,3\]/);
    expect(() => readRecord(decoded({ best: () => -7 }))).toThrow(/not in its vocabulary/);
    expect(() => readRecord(decoded({ rows: 0 }))).toThrow(/empty/);
  });
  it("marks the cells whose best token is another id, at positions that both have", () => {
    const b = readRecord(
      decoded({
        tokens: TOKENS.slice(0, 3),
        best: (row, position) => (row === 2 ? 7 : (row + position) % 8),
      }),
    );
    const marks = differing(a, b);
    const marked = Array.from(marks.keys()).filter((cell) => marks[cell]);
    expect(marked).toEqual([10, 11, 12]); // row 2, positions 0 to 2
    expect(Array.from(differing(b, a).keys()).filter((cell) => differing(b, a)[cell])).toEqual([6, 7, 8]);
    expect(differing(a, readRecord(decoded({ rows: 3 }))).includes(1)).toBe(false);
  });
  it("guesses the prompt back from the tokens", () => {
    expect(promptFrom(["<|endoftext|>", "A", "·b", "⏎", "<0xE6><0xBC>", "<0xA2>"])).toBe("A b\n漢");
    expect(promptFrom(["<|im_start|>", "user", "<|im_start|>"])).toBe("<|im_start|>user<|im_start|>");
  });
});

describe("values", () => {
  it("takes the metric of every cell", () => {
    expect(Array.from(valuesOf(a, "probability", null).slice(5, 7))).toEqual([0.25, 0.25]);
    expect(valuesOf(a, "entropy", null)[0]).toBe(9);
    expect(Array.from(valuesOf(a, "rank", 102)).filter((_, i) => i % 5 === 0)).toEqual([3, 2, 1, 0]);
    expect(valuesOf(a, "tracked", 102)[19]).toBe(0.75);
    expect(valuesOf(a, "rank", null)[0]).toBeNaN();
    expect(valuesOf(a, "rank", 999)[0]).toBeNaN();
  });
  it("subtracts A from B where both are, and counts a better rank as a gain", () => {
    const b = readRecord(decoded({ tokens: TOKENS.slice(0, 2), tracked: [0, 2] }));
    const at = (record: typeof a) => ({ record, values: valuesOf(record, "rank", 102) });
    const onA = difference(at(a), at(b), a, "rank");
    expect(Array.from(onA.slice(15))).toEqual([-1, -1, Number.NaN, Number.NaN, Number.NaN]);
    expect(difference(at(a), at(b), b, "rank")).toHaveLength(8);
    expect(Array.from(difference(at(a), at(a), a, "rank")).every((v) => v === 0)).toBe(true);
  });
  it("gives every scale numbers and units", () => {
    const rank = scaleOf("rank", [valuesOf(a, "rank", 102)]);
    expect(rank.ticks.map((tick) => tick.text)).toEqual(["#1", "#10", "#100", "#1k"]);
    expect(scaleOf("entropy", [valuesOf(a, "entropy", null)])).toMatchObject({ unit: "bits", high: 9 });
    expect(scaleOf("entropy", [new Float32Array([9.5])]).ticks.map((tick) => tick.text)).toEqual([
      "0",
      "4",
      "10",
    ]);
    expect(scaleOf("probability", []).ticks.at(-1)).toEqual({ at: 1, text: "100%" });
    const worse = differenceScale("rank", [new Float32Array([-2, 0.5])]);
    expect(worse.ticks.map((tick) => tick.text)).toEqual(["100× lower in B", "same", "100× higher in B"]);
    const points = differenceScale("tracked", [new Float32Array([0.03])]);
    expect([points.low, points.high, points.ticks[0].text]).toEqual([-0.05, 0.05, "−5"]);
  });
  it("puts certainty at the strong end of the colours, and no colour where there is no value", () => {
    const entropy = scaleOf("entropy", [new Float32Array([8])]);
    expect([shadeIndex(entropy, 0), shadeIndex(entropy, 8), shadeIndex(entropy, 99)]).toEqual([255, 0, 0]);
    const probability = scaleOf("probability", []);
    expect([shadeIndex(probability, 0), shadeIndex(probability, 1)]).toEqual([0, 255]);
    expect(shadeIndex(probability, Number.NaN)).toBe(-1);
    expect(along(differenceScale("entropy", [new Float32Array([4])]), 0)).toBe(0.5);
    expect(sequential("light").css(1)).not.toBe(sequential("light").css(0));
  });
});

describe("numbers in words", () => {
  it("keeps small probabilities readable", () => {
    expect([1, 0.99991, 0.4321, 0.0052, 0.00003, 0].map(percent)).toEqual([
      "100%",
      "99.99%",
      "43.2%",
      "0.52%",
      "3.0e−5",
      "0%",
    ]);
  });
  it("counts ranks from #1", () => {
    expect([0, 999, 49151].map(ordinal)).toEqual(["#1", "#1,000", "#49,152"]);
    expect([1, 999, 1000, 49152, 2e6].map(short)).toEqual(["1", "999", "1k", "49k", "2M"]);
  });
});

describe("shorten", () => {
  const fits = (most: number) => (part: string) => Array.from(part).length <= most;
  it("leaves off what does not fit, by whole letters", () => {
    expect(shorten("·capital", fits(8))).toBe("·capital");
    expect(shorten("·capital", fits(5))).toBe("·cap…");
    expect(shorten("🙂🙂🙂🙂", fits(3))).toBe("🙂🙂…");
    expect(shorten("x".repeat(100_000), fits(10))).toBe("xxxxxxxxx…");
    expect(shorten("ab", fits(0))).toBe("…");
  });
});
