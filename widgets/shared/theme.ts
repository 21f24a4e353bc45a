import { type ReadonlySignal, signal } from "@preact/signals";
import { luminance, type Theme } from "./colour";
import { trait, type ViewModel } from "./traits";

/** The theme the root wears, kept in step with the `theme` trait and with the page around it. */
export function followTheme(model: ViewModel, root: HTMLElement): ReadonlySignal<Theme> {
  const wish = trait<string>(model, "theme");
  const worn = signal<Theme>("light");
  const wear = () => {
    const around = themeAround(root.parentElement ?? root);
    const theme = wish.value === "light" || wish.value === "dark" ? wish.value : around;
    root.dataset.theme = theme;
    // Colours of the host are of the other theme then: the own palette is worn whole.
    root.toggleAttribute("data-own-colours", theme !== around);
    worn.value = theme;
  };
  model.onEnd(wish.subscribe(wear));
  const watcher = new MutationObserver(wear);
  const { documentElement, body, defaultView } = root.ownerDocument;
  for (const node of [documentElement, body])
    watcher.observe(node, {
      attributeFilter: ["class", "style", "data-jp-theme-light", "theme", "data-theme"],
    });
  const system = defaultView?.matchMedia("(prefers-color-scheme: dark)");
  system?.addEventListener("change", wear);
  model.onEnd(() => {
    watcher.disconnect();
    system?.removeEventListener("change", wear);
  });
  return worn;
}

/** Dark or light, judged by what is really painted behind an element. */
export function themeAround(el: Element): Theme {
  const view = el.ownerDocument.defaultView;
  if (!view) return "light";
  for (let at: Node | null = el; at; at = at.parentNode ?? (at as ShadowRoot).host ?? null) {
    if (!(at instanceof view.Element)) continue;
    const colour = components(view.getComputedStyle(at).backgroundColor);
    if (colour && (colour[3] ?? 1) > 0.5) return luminance(colour.slice(0, 3)) < 0.2 ? "dark" : "light";
  }
  // No background anywhere: the page is as the browser paints it, and its text tells which way.
  const ink = components(view.getComputedStyle(el).color);
  return ink && luminance(ink.slice(0, 3)) > 0.5 ? "dark" : "light";
}

function components(css: string): number[] | null {
  const numbers = css.match(/[\d.]+/g)?.map(Number);
  if (!numbers || numbers.length < 3) return null;
  // color(srgb r g b) counts from 0 to 1, rgb() to 255.
  return css.startsWith("color")
    ? [...numbers.slice(0, 3).map((c) => c * 255), ...numbers.slice(3)]
    : numbers;
}
