import { useComputed, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { gridMoves, onKeys } from "../shared/keyboard";
import { draw } from "./grid";
import { heatmapPixels, thinned } from "./layout";
import { lock, lockedRow, pictureName, release, rowText, type State } from "./state";

const HIGHEST = 560;
const LARGEST_CELL = 44;

/** One head (or the mean of several) large: queries downwards, keys to the right. */
export function HeatMap({ state, room }: { state: State; room: number }) {
  const { map, heads } = state.picture.value;
  const zoom = useSignal(1);
  const gutter = labelRoom(state.page.value.tokens);
  const fit = Math.max(120, Math.min(room - gutter - 26, HIGHEST, map.size * LARGEST_CELL));
  // Cells of whole pixels look best, but not at the price of half the picture.
  const even = Math.floor(fit / map.size) * map.size;
  const side = Math.floor(even > 0.8 * fit ? even : fit) * zoom.value;
  const cell = side / map.size;
  const view = Math.min(side, fit);
  const canvas = useRef<HTMLCanvasElement>(null);
  const plot = useRef<HTMLDivElement>(null);
  const scale = state.scale.value;

  useLayoutEffect(() => {
    const target = canvas.current;
    if (!target) return;
    const dots = Math.round(side * (target.ownerDocument.defaultView?.devicePixelRatio ?? 1));
    draw(target, heatmapPixels(map, Math.min(map.size, dots), scale), Math.min(map.size, dots));
  }, [map, scale, side]);

  const at = (event: MouseEvent): [number, number] => {
    const box = (plot.current as HTMLElement).getBoundingClientRect();
    const index = (from: number, start: number) =>
      Math.max(0, Math.min(map.size - 1, Math.floor((from - start) / cell)));
    return [index(event.clientY, box.top), index(event.clientX, box.left)];
  };
  const point = (query: number, key: number) => {
    const now = state.pointed.peek();
    if (now?.query !== query || now.key !== key) state.pointed.value = { query, key };
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const start = lockedRow(state)?.row ?? map.size - 1;
    const { query, key } = state.pointed.value ?? { query: start, key: 0 };
    const place: [number, number] = [query ?? start, key ?? 0];
    const lockRow = () => lock(state, "query", place[0]);
    const moves = gridMoves(place, map.size, map.size, (q, k) => {
      point(q, k);
      keepInSight(plot.current, q * cell, k * cell, cell);
    });
    onKeys({ ...moves, Enter: lockRow, " ": lockRow, Escape: () => release(state) })(event);
  };

  return (
    <figure class="ap-map" style={{ "--gutter": `${gutter}px` }}>
      <div
        class="ap-sheet-scroll"
        style={{ maxHeight: `${view + gutter + 16}px`, width: `${view + gutter + 16}px` }}
      >
        <div class="ap-sheet" style={{ gridTemplateColumns: `${gutter}px ${side}px` }}>
          <Labels state={state} cell={cell} axis="query" />
          <div
            class="ap-plot"
            ref={plot}
            role="application"
            aria-roledescription="heat map"
            aria-label={`Attention of ${pictureName(heads)}: arrow keys read cells, Enter locks the query`}
            tabIndex={0}
            style={{ height: `${side}px` }}
            onKeyDown={onKeyDown}
            onPointerMove={(event) => point(...at(event))}
            onPointerLeave={() => {
              state.pointed.value = null;
            }}
            onClick={(event) => lock(state, "query", at(event)[0])}
          >
            <canvas ref={canvas} class={cell >= 2 ? "ap-crisp" : ""} />
            <Overlay state={state} cell={cell} />
          </div>
          <div class="ap-sheet-corner" />
          <Labels state={state} cell={cell} axis="key" />
        </div>
      </div>
      <figcaption class="ap-axes">
        <span>↓ query token (it reads)</span>
        <span>→ key token (it is read)</span>
        {map.size * 12 > fit && (
          <span class="ap-zoom">
            <Zoom zoom={zoom} by={0.5} label="Zoom out" sign="−" limit={zoom.value <= 1} />
            <Zoom zoom={zoom} by={2} label="Zoom in" sign="+" limit={cell >= 16} />
          </span>
        )}
      </figcaption>
    </figure>
  );
}

function Zoom(props: { zoom: { value: number }; by: number; label: string; sign: string; limit: boolean }) {
  const { zoom, by, label, sign, limit } = props;
  return (
    <button
      type="button"
      class="wb-button"
      aria-label={label}
      disabled={limit}
      onClick={() => {
        zoom.value *= by;
      }}
    >
      {sign}
    </button>
  );
}

interface Axis {
  state: State;
  cell: number;
  axis: "query" | "key";
}

/** Token labels of one axis, thinned where they would touch; the one pointed at is always there. */
function Labels(props: Axis) {
  const { size } = props.state.picture.value.map;
  return (
    <div class={`ap-labels ap-labels-${props.axis}`} aria-hidden="true">
      {thinned(size, props.cell, 14).map((row) => (
        <Label key={row} {...props} row={row} kind="" />
      ))}
      <LitLabels {...props} />
    </div>
  );
}

function LitLabels(props: Axis) {
  const { state, axis } = props;
  const lit = useComputed(() => state.pointed.value?.[axis] ?? null).value;
  const locked = lockedRow(state);
  return (
    <>
      {locked?.side === axis && <Label {...props} row={locked.row} kind="ap-held" />}
      {lit !== null && <Label {...props} row={lit} kind="ap-lit" />}
    </>
  );
}

function Label({ state, cell, axis, row, kind }: Axis & { row: number; kind: string }) {
  return (
    <span
      class={`wb-token ap-label ${kind}`}
      style={{ [axis === "query" ? "top" : "left"]: `${Math.max(7, (row + 0.5) * cell)}px` }}
    >
      {rowText(state, row).label}
    </span>
  );
}

/** Cross hair, and the veil over the rows (or columns) that are not locked. */
function Overlay({ state, cell }: { state: State; cell: number }) {
  const { size } = state.picture.value.map;
  const locked = lockedRow(state);
  const pointed = state.pointed.value;
  const px = (n: number) => `${n * cell}px`;
  const along = locked?.side === "key" ? (["left", "width"] as const) : (["top", "height"] as const);
  return (
    <>
      {locked && (
        <div class={`ap-veil ap-veil-${locked.side}`} style={{ [along[0]]: 0, [along[1]]: px(locked.row) }} />
      )}
      {locked && (
        <div
          class={`ap-veil ap-veil-${locked.side}`}
          style={{ [along[0]]: px(locked.row + 1), [along[1]]: px(size - locked.row - 1) }}
        />
      )}
      {pointed?.query != null && (
        <div class="ap-band" style={{ top: px(pointed.query), height: px(1), left: 0, width: "100%" }} />
      )}
      {pointed?.key != null && (
        <div class="ap-band" style={{ left: px(pointed.key), width: px(1), top: 0, height: "100%" }} />
      )}
    </>
  );
}

/** Room for token labels: as long as the longest, within reason. */
export function labelRoom(tokens: readonly string[]): number {
  const longest = tokens.reduce((most, token) => Math.max(most, [...token].length), 0);
  return Math.max(36, Math.min(104, Math.round(longest * 6.7 + 12)));
}

function keepInSight(plot: HTMLElement | null, top: number, left: number, cell: number): void {
  const box = plot?.closest<HTMLElement>(".ap-sheet-scroll");
  if (!plot || !box) return;
  const wide = box.clientWidth - plot.offsetLeft;
  const high = box.clientHeight - (box.scrollHeight - plot.offsetHeight);
  box.scrollTop = Math.max(top + cell - high, Math.min(box.scrollTop, top));
  box.scrollLeft = Math.max(left + cell - wide, Math.min(box.scrollLeft, left));
}
