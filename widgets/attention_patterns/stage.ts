/** A place for the tests to draw the picture in, and fingers to touch it with. */
import { show } from "../shared/fake_model";
import { type Planted, plantedState } from "./fixture";
import widget from "./index";

export const small: Planted = { layers: 4, heads: 3, tokens: 12 };

let open: (() => void)[] = [];

/** Draw a planted page, with other trait values where given. */
export function draw(planted: Planted, more: Record<string, unknown> = {}, width = 1200) {
  const shown = show(widget, plantedState(planted, more), width);
  open.push(shown.stop);
  return { ...shown, cell: (layer: number, head: number) => shown.one(`[data-head="${layer}/${head}"]`) };
}

/** Take down everything that was drawn (after each test). */
export function strike(): void {
  for (const stop of open) stop();
  open = [];
}

/** The pixels of a canvas, as in ImageData. */
export function pixels(canvas: Element): Uint32Array {
  const { width, height } = canvas as HTMLCanvasElement;
  const context = (canvas as HTMLCanvasElement).getContext("2d") as CanvasRenderingContext2D;
  return new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
}

/** Click, perhaps with keys held, or at a place in the element. */
export function click(el: Element, more: MouseEventInit & { x?: number; y?: number } = {}): void {
  const { left, top } = el.getBoundingClientRect();
  const at = { clientX: left + (more.x ?? 1), clientY: top + (more.y ?? 1) };
  el.dispatchEvent(new MouseEvent("click", { bubbles: true, ...at, ...more }));
}

/** Move the pointer to a place in the element. */
export function over(el: Element, x: number, y: number, type = "pointermove"): void {
  const { left, top } = el.getBoundingClientRect();
  el.dispatchEvent(new PointerEvent(type, { bubbles: true, clientX: left + x, clientY: top + y }));
}

/** Choose an option of a select. */
export function pick(select: HTMLElement, value: string): void {
  (select as HTMLSelectElement).value = value;
  select.dispatchEvent(new Event("change", { bubbles: true }));
}
