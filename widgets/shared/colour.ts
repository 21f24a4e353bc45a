/** Colour scales, each monotone in lightness and readable without telling red from green. */

export type Theme = "light" | "dark";

/** 256 colours: `rgba` for ImageData (little-endian), `css` and `ink` (black or white text on it) for t in 0..1. */
export interface Scale {
  rgba: Uint32Array;
  css(t: number): string;
  ink(t: number): "#000000" | "#ffffff";
}

// Viridis, its low end drawn out to the background of the theme: nothing read looks like nothing there.
const ON_LIGHT = [
  "f6f7f2",
  "e6efb4",
  "c3e089",
  "8fd067",
  "55bd74",
  "2ea57f",
  "22898a",
  "2a6d8c",
  "36508a",
  "41327c",
  "440a58",
];
const ON_DARK = [
  "17171c",
  "2c1840",
  "422a68",
  "453f80",
  "3b568a",
  "2d708e",
  "25898d",
  "25a484",
  "4fbf6c",
  "9ad83e",
  "fde73a",
];
// PuOr about zero: the middle is the background of the theme.
const DIVERGING_LIGHT = [
  "7f3b08",
  "b35806",
  "e08214",
  "fdb863",
  "fbe3c4",
  "f7f7f5",
  "dedded",
  "b2abd2",
  "8073ac",
  "542788",
  "2d004b",
];
const DIVERGING_DARK = [
  "ffd199",
  "fdb863",
  "e08214",
  "b35806",
  "6b3a10",
  "1c1b1e",
  "443a63",
  "6a579b",
  "8f80c4",
  "b9b0e0",
  "e4dcff",
];

/** Zero to one: background of the theme to the strongest colour. */
export function sequential(theme: Theme): Scale {
  return scale(theme === "dark" ? ON_DARK : ON_LIGHT);
}

/** Minus one to one as t = 0..1: orange below, purple above, background in the middle. */
export function diverging(theme: Theme): Scale {
  return scale(theme === "dark" ? DIVERGING_DARK : DIVERGING_LIGHT);
}

// Okabe and Ito's colours, their order chosen so that the first ones differ most; lighter versions on dark.
const CATEGORIES = {
  light: ["#0072b2", "#d55e00", "#009e73", "#b0478a", "#a67c00", "#3f9bd1"],
  dark: ["#5cb3ec", "#ff8f4a", "#2fc79b", "#ea92c6", "#e9c440", "#b6a7f5"],
};

/** Six colours for things with names. */
export function categories(theme: Theme): readonly string[] {
  return CATEGORIES[theme];
}

const made = new Map<readonly string[], Scale>();

function scale(anchors: readonly string[]): Scale {
  const known = made.get(anchors);
  if (known) return known;
  const points = anchors.map((hex) => [0, 2, 4].map((i) => Number.parseInt(hex.slice(i, i + 2), 16)));
  const rgb = Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (points.length - 1);
    const low = Math.min(points.length - 2, Math.floor(at));
    return points[low].map((c, j) => Math.round(c + (at - low) * (points[low + 1][j] - c)));
  });
  const step = (t: number) => rgb[Math.max(0, Math.min(255, Math.round(t * 255))) || 0];
  const result: Scale = {
    rgba: Uint32Array.from(rgb, ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0),
    css: (t) => `rgb(${step(t).join(",")})`,
    ink: (t) => (luminance(step(t)) > 0.18 ? "#000000" : "#ffffff"),
  };
  made.set(anchors, result);
  return result;
}

/** Relative luminance (WCAG) of sRGB components 0..255. */
export function luminance(rgb: readonly number[]): number {
  const [r, g, b] = rgb.map((c) => {
    const s = c / 255;
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
