import { effect, type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { gridMoves, onKeys } from "../shared/keyboard";
import { GAP, headName, LABEL, stretched, thumbnail, toggled } from "./layout";
import type { Head } from "./page";
import { choose, type State } from "./state";

/** All heads as thumbnails, layers downwards, heads to the right. */
export function Grid({ state }: { state: State }) {
  const scroller = useRef<HTMLDivElement>(null);
  const { layers, heads } = state.page.value;
  const { thumb, gridHeight } = state.arrangement.value;
  /** Where the keyboard stands; it may walk without choosing. */
  const cursor = useSignal<Head>(state.focus.peek());
  useSignalEffect(() => {
    const [layer, head] = state.focus.value;
    const { layers, heads } = state.page.value;
    cursor.value = layer < layers && head < heads ? [layer, head] : [0, 0];
  });
  useMarks(state, cursor, scroller);
  useThumbnails(state, scroller);

  const act = (head: Head, event: { shiftKey: boolean; ctrlKey: boolean; metaKey: boolean }) => {
    cursor.value = head;
    if (event.shiftKey) state.heads.value = stretched(state.heads.value, state.focus.value, head);
    else if (event.ctrlKey || event.metaKey) state.heads.value = toggled(state.heads.value, head);
    else choose(state, head);
  };
  const go = (layer: number, head: number) => {
    cursor.value = [layer, head];
    const cell = scroller.current?.querySelector<HTMLElement>(`[data-head="${layer}/${head}"]`);
    cell?.focus({ preventScroll: true });
    cell?.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const here = cursor.value;
    const held = { shiftKey: false, ctrlKey: false, metaKey: false };
    onKeys({
      ...gridMoves(here, layers, heads, go),
      Enter: () => act(here, held),
      " ": () => act(here, { ...held, ctrlKey: true }),
      "Shift+ ": () => act(here, { ...held, shiftKey: true }),
      Escape: () => {
        state.heads.value = [];
      },
    })(event);
  };
  const onClick = (event: MouseEvent) => {
    const cell = (event.target as Element).closest<HTMLElement>("[data-head]");
    if (cell) act(cell.dataset.head?.split("/").map(Number) as unknown as Head, event);
  };

  const columns = `${LABEL}px repeat(${heads}, ${thumb}px)`;
  const style = { gridTemplateColumns: columns, gap: `${GAP}px` };
  return (
    <div class="ap-grid" ref={scroller} style={{ maxHeight: `${gridHeight}px` }}>
      <div
        role="grid"
        aria-label={`Attention heads, ${layers} layers by ${heads} heads`}
        aria-multiselectable="true"
        onKeyDown={onKeyDown}
        onClick={onClick}
      >
        <div role="row" class="ap-row ap-head-names" style={style}>
          <div role="columnheader" class="ap-corner" title="layer (down) and head (right)">
            <span class="wb-hidden">layer</span>
          </div>
          {count(heads).map((head) => (
            <div role="columnheader" key={head}>
              H{head}
            </div>
          ))}
        </div>
        {count(layers).map((layer) => (
          <div role="row" class="ap-row" key={layer} style={style}>
            <div role="rowheader">L{layer}</div>
            {count(heads).map((head) => (
              <div
                key={head}
                role="gridcell"
                class="ap-cell"
                data-head={`${layer}/${head}`}
                title={headName([layer, head])}
                style={{ height: `${thumb}px` }}
              >
                <canvas />
              </div>
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}

/** Tell each cell whether it is selected, shown large, and where the keyboard stands. */
function useMarks(state: State, cursor: Signal<Head>, scroller: { current: HTMLDivElement | null }): void {
  const page = state.page.value;
  // By hand and not by components: 270 cells with signals of their own cost more than all the painting.
  useLayoutEffect(
    () =>
      effect(() => {
        const at = (head: Head) => head[0] * page.heads + head[1];
        const selected = new Set(state.heads.value.map(at));
        const large = new Set(state.shown.value.map(at));
        const walked = at(cursor.value);
        scroller.current?.querySelectorAll<HTMLElement>("[data-head]").forEach((cell, index) => {
          const name = `layer ${Math.floor(index / page.heads)} head ${index % page.heads}`;
          cell.tabIndex = index === walked ? 0 : -1;
          cell.toggleAttribute("data-large", large.has(index));
          cell.ariaSelected = String(selected.has(index));
          cell.ariaLabel = name + (large.has(index) ? ", shown large" : "");
        });
      }),
    [page, cursor],
  );
}

/** Paint the thumbnails: those in sight at once, the others when the browser has time. */
function useThumbnails(state: State, scroller: { current: HTMLDivElement | null }): void {
  const page = state.page.value;
  const scale = state.scale.value;
  const { thumb, gridHeight } = state.arrangement.value;
  const painted = useRef(false);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const dots = Math.round(thumb * (box.ownerDocument.defaultView?.devicePixelRatio ?? 1));
    const side = Math.min(page.size, dots);
    const paint = (canvas: HTMLCanvasElement, index: number) => {
      const pixels = thumbnail(page, Math.floor(index / page.heads), index % page.heads, side, scale);
      draw(canvas, pixels, side);
      canvas.classList.toggle("ap-crisp", dots >= 3 * side || dots === side);
    };
    const canvases = [...box.querySelectorAll("canvas")];
    const row = thumb + GAP;
    const top = painted.current ? box.scrollTop : 0; // to ask at first would lay the page out twice
    painted.current = true;
    const from = Math.floor(top / row) * page.heads;
    const to = Math.ceil((top + gridHeight) / row) * page.heads;
    const later = canvases.map((_, i) => i).filter((i) => i < from || i >= to);
    canvases.slice(from, to).forEach((canvas, i) => {
      paint(canvas, from + i);
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const rest = () => {
      const begun = performance.now();
      while (later.length && performance.now() - begun < 8) {
        const index = later.shift() as number;
        paint(canvases[index], index);
      }
      timer = later.length ? setTimeout(rest) : undefined;
    };
    timer = setTimeout(rest);
    return () => clearTimeout(timer);
  }, [page, scale, thumb]);
}

/** Put square pixels on a canvas (which stays in main memory: for so few pixels the way to a GPU is longer). */
export function draw(canvas: HTMLCanvasElement, pixels: Uint32Array, side: number): void {
  canvas.width = side;
  canvas.height = side;
  const bytes = new Uint8ClampedArray(pixels.buffer as ArrayBuffer);
  canvas.getContext("2d", { willReadFrequently: true })?.putImageData(new ImageData(bytes, side, side), 0, 0);
}

function count(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}
