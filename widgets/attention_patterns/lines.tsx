import { effect, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { onKeys } from "../shared/keyboard";
import { labelRoom } from "./heatmap";
import { linesOf, type Side, strongest } from "./layout";
import { lock, lockedRow, MOST_COLOURS, pictureName, release, rowText, type State } from "./state";
import { shade, sized, stroke } from "./strokes";

/** Lines drawn when no token is chosen; more would be one grey cloud. */
const MOST_LINES = 600;
const HIGHEST = 560;

let made = 0;

/** Queries left, keys right, and a line as opaque as the weight between them. */
export function Lines({ state, room }: { state: State; room: number }) {
  const uid = useMemo(() => `ap-lines-${++made}`, []);
  const { map, maps, heads } = state.picture.value;
  const row = Math.max(16, Math.min(28, Math.floor(440 / map.size)));
  const high = Math.min(HIGHEST, map.size * row + 8);
  const column = Math.min(labelRoom(state.page.value.tokens) + 12, room * 0.36);
  const canvas = useRef<HTMLCanvasElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  // One colour a head as far as colours go, then their mean.
  const layers = heads.length > MOST_COLOURS ? [map] : maps;
  const strong = useMemo(
    () => layers.map((one) => strongest(one, MOST_LINES / layers.length)),
    [state.picture.value],
  );
  const from = Math.max(...strong.map((one) => one.from));

  const paint = () => {
    const box = scroller.current;
    const target = canvas.current;
    if (!box || !target) return;
    const chosen = chosenToken(state);
    const width = box.clientWidth;
    const context = sized(target, width, high);
    if (!context) return;
    context.translate(0, 4 - box.scrollTop);
    const colours = layers.length === 1 ? [state.colours.value[0]] : state.colours.value;
    layers.forEach((one, i) => {
      const lines = chosen ? linesOf(one, chosen.side, chosen.row) : strong[i].lines;
      if (chosen)
        shade(context, lines, chosen.side, {
          row,
          column,
          width,
          colour: colours[i],
          part: [i, layers.length],
        });
      stroke(context, lines, { row, column, width, colour: colours[i], chosen: chosen !== null });
    });
  };
  useLayoutEffect(paint);
  useSignalEffect(() => {
    const pointed = state.pointed.value;
    const box = scroller.current;
    // Pointed at in the heat map: its query must be in sight here too.
    if (box && pointed?.query != null && pointed.key !== null) {
      const top = pointed.query * row;
      if (top < box.scrollTop || top + row > box.scrollTop + high) box.scrollTop = top - high / 2;
    }
    paint(); // reads what is locked as well, and so follows it
  });

  const at = (event: MouseEvent): { side: Side; row: number } | null => {
    const box = scroller.current as HTMLElement;
    const { left, top } = box.getBoundingClientRect();
    const index = Math.floor((event.clientY - top - 4 + box.scrollTop) / row);
    if (index < 0 || index >= map.size) return null;
    const x = event.clientX - left;
    return x < column
      ? { side: "query", row: index }
      : x > box.clientWidth - column
        ? { side: "key", row: index }
        : null;
  };
  const point = (side: Side, index: number) => {
    state.pointed.value = side === "query" ? { query: index, key: null } : { query: null, key: index };
  };
  const clear = () => {
    if (state.pointed.peek()) state.pointed.value = null;
  };

  return (
    <figure class="ap-lines" style={{ width: `${room}px` }}>
      <div class="ap-lines-names" aria-hidden="true">
        <span>query token</span>
        <span>key token</span>
      </div>
      <div
        class="ap-lines-scroll"
        ref={scroller}
        style={{ height: `${high}px` }}
        onScroll={paint}
        onPointerMove={(event) => {
          const token = at(event);
          if (token) point(token.side, token.row);
          else clear();
        }}
        onPointerLeave={clear}
        onClick={(event) => {
          const token = at(event);
          if (token) lock(state, token.side, token.row);
        }}
      >
        <canvas ref={canvas} aria-hidden="true" />
        {(["query", "key"] as const).map((side) => (
          <Column key={side} {...{ state, side, uid, row, column, point }} />
        ))}
      </div>
      <figcaption class="ap-axes">
        {heads.length > 1 && heads.length <= MOST_COLOURS
          ? "One colour a head"
          : `Lines of ${pictureName(heads)}`}
        ; opacity is the weight
        {from > 0.006 ? `, below ${from.toFixed(2)} not drawn until a token is chosen` : ""}
      </figcaption>
    </figure>
  );
}

interface ColumnProps {
  state: State;
  side: Side;
  uid: string;
  row: number;
  column: number;
  point: (side: Side, row: number) => void;
}

/** The tokens of one side, a list box: arrows point, Enter locks. */
function Column({ state, side, uid, row, column, point }: ColumnProps) {
  const { map } = state.picture.value;
  const list = useRef<HTMLDivElement>(null);
  const lockedHere = () => {
    const held = lockedRow(state);
    return held?.side === side ? held.row : null;
  };
  const active = () => state.pointed.value?.[side] ?? lockedHere();
  // By hand: to draw all tokens anew for each that is pointed at would cost more than the lines.
  useLayoutEffect(
    () =>
      effect(() => {
        const [lit, locked, options] = [active(), lockedHere(), list.current?.children ?? []];
        for (const option of list.current?.querySelectorAll(".ap-lit, [aria-selected=true]") ?? []) {
          option.classList.remove("ap-lit");
          option.ariaSelected = "false";
        }
        if (lit !== null) options[lit]?.classList.add("ap-lit");
        if (locked !== null && options[locked]) options[locked].ariaSelected = "true";
        list.current?.setAttribute("aria-activedescendant", lit === null ? "" : `${uid}-${side}-${lit}`);
      }),
    [map],
  );
  const onKeyDown = (event: KeyboardEvent) => {
    const at = active();
    const now = at ?? (event.key === "ArrowUp" ? map.size : -1);
    const to = (index: number) => () => {
      const next = Math.max(0, Math.min(map.size - 1, index));
      point(side, next);
      list.current?.children[next]?.scrollIntoView({ block: "nearest" });
    };
    const hold = () => at !== null && lock(state, side, at);
    onKeys({
      ArrowUp: to(now - 1),
      ArrowDown: to(now + 1),
      Home: to(0),
      End: to(map.size - 1),
      PageUp: to(now - 10),
      PageDown: to(now + 10),
      Enter: hold,
      " ": hold,
      Escape: () => release(state),
    })(event);
  };
  return (
    <div
      ref={list}
      role="listbox"
      class={`ap-column ap-column-${side}`}
      aria-label={side === "query" ? "Query tokens" : "Key tokens"}
      tabIndex={0}
      style={{ width: `${column}px`, lineHeight: `${row}px` }}
      onKeyDown={onKeyDown}
    >
      {Array.from({ length: map.size }, (_, index) => (
        <div key={index} role="option" aria-selected="false" id={`${uid}-${side}-${index}`} class="ap-option">
          {rowText(state, index).label}
        </div>
      ))}
    </div>
  );
}

/** The token whose lines alone are drawn: the one pointed at, else the locked one. */
function chosenToken(state: State): { side: Side; row: number } | null {
  const pointed = state.pointed.value;
  if (pointed?.query != null) return { side: "query", row: pointed.query };
  if (pointed?.key != null) return { side: "key", row: pointed.key };
  return lockedRow(state);
}
