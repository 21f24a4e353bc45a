import { describe, expect, it } from "vitest";
import { categories, diverging, luminance, type Scale, sequential, type Theme } from "./colour";

const rgb = (css: string) => css.match(/\d+/g)?.map(Number) as number[];
const hex = (css: string) => [1, 3, 5].map((i) => Number.parseInt(css.slice(i, i + 2), 16));
const light = (scale: Scale, t: number) => luminance(rgb(scale.css(t)));
const contrast = (a: number, b: number) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
const themes: Theme[] = ["light", "dark"];

describe.each(themes)("colours on %s", (theme) => {
  const background = theme === "light" ? 1 : luminance([0x13, 0x13, 0x17]);

  it("go one way in lightness from the background to the strongest", () => {
    const scale = sequential(theme);
    const steps = Array.from({ length: 65 }, (_, i) => light(scale, i / 64));
    const away = steps.slice(1).map((l, i) => (theme === "light" ? steps[i] - l : l - steps[i]));
    expect(Math.min(...away)).toBeGreaterThan(-0.002);
    expect(contrast(steps[0], background)).toBeLessThan(1.15);
    expect(contrast(steps[64], background)).toBeGreaterThan(7);
  });

  it("diverge evenly from the background", () => {
    const scale = diverging(theme);
    expect(contrast(light(scale, 0.5), background)).toBeLessThan(1.2);
    for (const t of [0, 1]) expect(contrast(light(scale, t), background)).toBeGreaterThan(7);
    expect(rgb(scale.css(0.1))[0]).toBeGreaterThan(rgb(scale.css(0.1))[2]); // orange below
    expect(rgb(scale.css(0.9))[2]).toBeGreaterThan(rgb(scale.css(0.9))[1]); // purple above
  });

  it("carry readable ink everywhere", () => {
    for (const scale of [sequential(theme), diverging(theme)])
      for (let i = 0; i <= 64; i++) {
        const ink = luminance(hex(scale.ink(i / 64)));
        expect(contrast(ink, light(scale, i / 64))).toBeGreaterThanOrEqual(4.5);
      }
  });

  it("name six things that stand out from the background", () => {
    expect(new Set(categories(theme)).size).toBe(6);
    for (const colour of categories(theme))
      expect(contrast(luminance(hex(colour)), background)).toBeGreaterThanOrEqual(3);
  });

  it("paint what they say, out of range and not a number included", () => {
    const scale = sequential(theme);
    const [r, g, b] = rgb(scale.css(1));
    expect([...new Uint8Array(scale.rgba.slice(255).buffer)]).toEqual([r, g, b, 255]);
    expect(scale.css(2)).toBe(scale.css(1));
    expect(scale.css(-1)).toBe(scale.css(0));
    expect(scale.css(Number.NaN)).toBe(scale.css(0));
  });
});
