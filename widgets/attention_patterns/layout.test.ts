import { describe, expect, it } from "vitest";
import { sequential } from "../shared/colour";
import { encodeTriangle, plantedPage, plantedWeights } from "./fixture";
import * as layout from "./layout";
import { headMap, isSamePage, meanMap, readHead, readPage, weightError } from "./page";

const scale = sequential("light");

describe("arrange", () => {
  it("keeps every thumbnail large enough to see and the parts within the width", () => {
    for (const width of [320, 500, 800, 860, 1200, 1800])
      for (const [layers, heads] of [
        [1, 12],
        [2, 2],
        [4, 3],
        [12, 12],
        [30, 9],
        [32, 32],
        [6, 16],
      ]) {
        const { kind, thumb, gridWidth, detailWidth } = layout.arrange(width, layers, heads);
        expect(thumb).toBeGreaterThanOrEqual(26);
        expect(thumb).toBeLessThanOrEqual(92);
        if (kind === "beside") expect(gridWidth + detailWidth).toBeLessThanOrEqual(width);
        else expect([gridWidth, detailWidth]).toEqual([width, width]);
      }
  });

  it("lays few layers above, many beside, and everything one below the other when narrow", () => {
    expect(layout.arrange(1200, 1, 12).kind).toBe("strip");
    expect(layout.arrange(1200, 30, 9).kind).toBe("beside");
    expect(layout.arrange(500, 30, 9).kind).toBe("stacked");
  });
});

describe("readPage", () => {
  it("reads sizes and maps", () => {
    const page = readPage(plantedPage({ layers: 2, heads: 3, tokens: 12 }));
    expect([page.layers, page.heads, page.size, page.tokens.length, page.causal]).toEqual([
      2,
      3,
      12,
      12,
      true,
    ]);
    const expected = plantedWeights(4, 12);
    const { weights } = headMap(page, [1, 1]);
    for (let q = 0; q < 12; q++)
      for (let k = 0; k < 12; k++) {
        const weight = expected[q][k] ?? 0;
        expect(Math.abs(weights[q * 12 + k] - weight)).toBeLessThanOrEqual(
          weightError(weights[q * 12 + k]) + 1e-6,
        );
      }
  });

  it("reads plain floats as a full square", () => {
    const packed = plantedPage({ layers: 1, heads: 1, tokens: ["a", "b"] });
    const data = new DataView(new Float32Array([0.25, 0.75, 0.5, 0.5]).buffer);
    const maps = { dtype: "float32", shape: [1, 1, 2, 2], data };
    const page = readPage({ ...packed, fields: { ...packed.fields, maps } });
    expect(page.causal).toBe(false);
    expect(headMap(page, [0, 0]).weights[1]).toBeCloseTo(0.75, 2);
  });

  it.each([
    [{ tokens: ["a"] }, "1 tokens in blocks of 1 do not make maps of 3 rows"],
    [{ tokens: "abc" }, 'field "tokens"'],
    [{ pooled: 0 }, "blocks of 0"],
    [{ maps: { dtype: "uint8", shape: [1, 3, 3], data: new Uint8Array(9) } }, "not layer x head"],
    [{ maps: { dtype: "uint8", shape: [1, 1, 3, 2], data: new Uint8Array(6) } }, "not square"],
    [{ maps: { dtype: "uint8", shape: [0, 1, 3, 3], data: new Uint8Array(0) } }, "no head or no token"],
  ])("refuses %o in words", (wrong, words) => {
    const packed = plantedPage({ layers: 1, heads: 1, tokens: 3 });
    expect(() => readPage({ ...packed, fields: { ...packed.fields, ...wrong } })).toThrow(words);
  });

  it("refuses a head of another size in words", () => {
    const data = encodeTriangle(plantedWeights(0, 4));
    const packed = { dtype: "uint8", shape: [4, 4], codec: "sqrt-u8", triangle: true, data };
    expect(readHead(packed, [], 4).weights[4]).toBe(1);
    expect(() => readHead(packed, [], 5)).toThrow("[4,4]; 5 x 5 was expected");
  });

  it("knows the same page again", () => {
    const one = readPage(plantedPage({ layers: 2, heads: 2, tokens: 5 }));
    expect(isSamePage(one, readPage(plantedPage({ layers: 2, heads: 2, tokens: 5 })))).toBe(true);
    expect(
      isSamePage(one, readPage(plantedPage({ layers: 2, heads: 2, tokens: ["a", "b", "c", "d", "e"] }))),
    ).toBe(false);
    const other = readPage(plantedPage({ layers: 2, heads: 2, tokens: 5 }));
    other.codes[7] ^= 1;
    expect(isSamePage(one, other)).toBe(false);
    expect(isSamePage(one, undefined)).toBe(false);
  });
});

describe("meanMap", () => {
  it("is the mean, within the stated error", () => {
    const page = readPage(plantedPage({ layers: 1, heads: 6, tokens: 9 }));
    const mean = meanMap([0, 1, 4].map((head) => headMap(page, [0, head])));
    const truth = [0, 1, 4].map((kind) => plantedWeights(kind, 9));
    for (let q = 0; q < 9; q++)
      for (let k = 0; k <= q; k++) {
        const expected = (truth[0][q][k] + truth[1][q][k] + truth[2][q][k]) / 3;
        const got = mean.weights[q * 9 + k];
        // The bound is taken at the decoded weight; a step to the true one moves it by less than a code.
        expect(Math.abs(got - expected)).toBeLessThanOrEqual(weightError(got) + 2e-5);
      }
  });
});

describe("thumbnails", () => {
  const page = readPage(plantedPage({ layers: 2, heads: 3, tokens: 10 }));

  it("paint the planted head, clear above the diagonal", () => {
    const pixels = layout.thumbnail(page, 0, 0, 10, scale); // looks at the token before
    for (let q = 0; q < 10; q++)
      for (let k = 0; k < 10; k++) {
        const expected = k > q ? 0 : scale.rgba[k === Math.max(0, q - 1) ? 255 : 0];
        expect(pixels[q * 10 + k]).toBe(expected);
      }
  });

  it("keep a single strong cell in sight when they are smaller than the map", () => {
    const pixels = layout.thumbnail(page, 0, 2, 4, scale); // looks at itself
    for (let i = 0; i < 4; i++) expect(pixels[i * 4 + i]).toBe(scale.rgba[255]);
  });

  it("agree with the large map", () => {
    for (const side of [10, 7, 3])
      expect(layout.heatmapPixels(headMap(page, [1, 2]), side, scale)).toEqual(
        layout.thumbnail(page, 1, 2, side, scale),
      );
  });
});

describe("lines", () => {
  const page = readPage(plantedPage({ layers: 1, heads: 6, tokens: 40 }));

  it("are the strongest ones, never more than the limit", () => {
    for (const head of [0, 1, 3, 4])
      for (const limit of [50, 200, 5000]) {
        const map = headMap(page, [0, head]);
        const { lines, from } = layout.strongest(map, limit);
        expect(lines.length).toBeLessThanOrEqual(limit);
        const drawn = new Set(lines.map((line) => line.query * 40 + line.key));
        const weakest = Math.min(...lines.map((line) => line.weight));
        map.weights.forEach((weight, i) => {
          if (!drawn.has(i)) expect(weight).toBeLessThanOrEqual(Math.max(weakest, from));
        });
      }
  });

  it("of a token lead from it or to it, the heaviest last", () => {
    const map = headMap(page, [0, 4]);
    const out = layout.linesOf(map, "query", 9);
    expect(out.every((line) => line.query === 9)).toBe(true);
    expect(out.at(-1)).toMatchObject({ query: 9, key: 9 });
    const into = layout.linesOf(map, "key", 9);
    expect(into.every((line) => line.key === 9 && line.query >= 9)).toBe(true);
    expect(into.map((line) => line.weight)).toEqual(into.map((line) => line.weight).sort((a, b) => a - b));
  });
});

describe("selection", () => {
  it("takes a head in and out", () => {
    expect(layout.toggled([[1, 2]], [3, 4])).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(
      layout.toggled(
        [
          [1, 2],
          [3, 4],
        ],
        [1, 2],
      ),
    ).toEqual([[3, 4]]);
  });

  it("stretches over a rectangle in any direction, each head once", () => {
    const heads = layout.stretched([[1, 1]], [2, 1], [1, 2]);
    expect(heads).toEqual([
      [1, 1],
      [1, 2],
      [2, 1],
      [2, 2],
    ]);
  });
});

describe("words", () => {
  it("give a weight the digits that mean something", () => {
    expect(layout.weightText(0.42, weightError(0.42))).toBe("0.420 ± 0.003");
    expect(layout.weightText(0.0123, weightError(0.0123))).toBe("0.0123 ± 0.0004");
    expect(layout.weightText(0.0001, weightError(0.0001))).toBe("0.00010 ± 0.00004");
  });

  it("leave labels out where they would touch", () => {
    expect(layout.thinned(5, 20, 14)).toEqual([0, 1, 2, 3, 4]);
    expect(layout.thinned(5, 7, 14)).toEqual([0, 2, 4]);
    expect(layout.thinned(512, 1, 14).length).toBe(37);
  });
});
