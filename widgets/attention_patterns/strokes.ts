import type { Line, Side } from "./layout";

interface Brush {
  row: number;
  column: number;
  width: number;
  colour: string;
}

/** Draw lines in classes of like opacity: one stroke a class, not one a line. */
export function stroke(
  context: CanvasRenderingContext2D,
  lines: readonly Line[],
  brush: Brush & { chosen: boolean },
): void {
  const { row, column, width, colour, chosen } = brush;
  const [left, right] = [column, width - column];
  const bend = (right - left) * 0.45;
  const classes = new Map<number, Path2D>();
  for (const { query, key, weight } of lines) {
    const step = Math.ceil(weight * 24);
    let path = classes.get(step);
    if (!path) {
      path = new Path2D();
      classes.set(step, path);
    }
    const [from, to] = [(query + 0.5) * row, (key + 0.5) * row];
    path.moveTo(left, from);
    path.bezierCurveTo(left + bend, from, right - bend, to, right, to);
  }
  context.strokeStyle = colour;
  for (const [step, path] of [...classes].sort((a, b) => a[0] - b[0])) {
    context.globalAlpha = Math.min(1, step / 24);
    context.lineWidth = (chosen ? 1.25 : 1) + (1.75 * step) / 24;
    context.stroke(path);
  }
  context.globalAlpha = 1;
}

/** Tint the tokens at the far end by their weight; several heads share the width. */
export function shade(
  context: CanvasRenderingContext2D,
  lines: readonly Line[],
  side: Side,
  brush: Brush & { part: [number, number] },
): void {
  const { row, column, width, colour, part } = brush;
  const share = column / part[1];
  const start = (side === "query" ? width - column : 0) + part[0] * share;
  context.fillStyle = colour;
  for (const { query, key, weight } of lines) {
    context.globalAlpha = Math.min(0.55, weight * 0.6);
    context.fillRect(start, (side === "query" ? key : query) * row + 1, share, row - 2);
  }
  context.globalAlpha = 1;
}

/** A cleared context whose unit is the CSS pixel. */
export function sized(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  const ratio = canvas.ownerDocument.defaultView?.devicePixelRatio ?? 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}
