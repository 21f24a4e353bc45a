import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { ViewProps } from "../shared/mount";
import { Panel, Status } from "../shared/status";
import { PromptBar, Selection } from "./controls";
import { Effect } from "./effect";
import { Grid } from "./grid";
import { HeatMap } from "./heatmap";
import { Legend } from "./legend";
import { Lines } from "./lines";
import { ReadOut } from "./readout";
import { makeState, pictureName, type State } from "./state";

type Mode = "map" | "lines" | "both";
const MODES: [Mode, string][] = [
  ["map", "Heat map"],
  ["lines", "Lines"],
  ["both", "Both"],
];
/** Less room than this is not shared by two pictures. */
const BOTH_FROM = 600;

/** AttentionPatterns: every head small, the chosen ones large. */
export function View(props: ViewProps) {
  const state = useMemo(() => makeState(props), []);
  const { kind, gridWidth } = state.arrangement.value;
  const trouble = state.trouble.value;
  return (
    <div class="ap" data-kind={kind}>
      <Heading state={state} />
      <PromptBar state={state} />
      {trouble && <Panel title="The new data cannot be drawn" message={trouble} />}
      <Status requests={state.requests} only={["page", "prompt_text"]} />
      <div class="ap-panes">
        <div class="ap-pane" style={kind === "beside" ? { width: `${gridWidth}px` } : {}}>
          <Grid state={state} />
          <Legend state={state} />
        </div>
        <Detail state={state} />
      </div>
      <Selection state={state} />
      <Status requests={state.requests} only={["ablate"]} />
      <Effect state={state} />
    </div>
  );
}

function Heading({ state }: { state: State }) {
  const { model, title, layers, heads, tokens } = state.page.value;
  const text = state.prompts.value[state.pagePrompt.value] ?? title;
  const stale = state.prompt.value !== state.pagePrompt.value;
  return (
    <header class="ap-heading">
      <h2>{state.title.value || "Attention patterns"}</h2>
      <p>
        {model}, {layers} {layers === 1 ? "layer" : "layers"} × {heads} heads, {tokens.length} tokens
        {text && (
          <>
            : <span class="ap-text">{text}</span>
          </>
        )}
        {stale && " (the other prompt is on its way)"}
      </p>
    </header>
  );
}

function Detail({ state }: { state: State }) {
  const wish = useSignal<Mode | null>(null);
  const room = state.arrangement.value.detailWidth;
  const wide = room >= BOTH_FROM;
  const mode = useComputed((): Mode => {
    const roomy = state.arrangement.value.detailWidth >= BOTH_FROM;
    if (wish.value === null) return roomy ? "both" : "map";
    return wish.value === "both" && !roomy ? "map" : wish.value;
  });
  // The heads and the heat map are the first picture; the lines come with the next task.
  const settled = useSignal(false);
  useEffect(() => {
    const timer = setTimeout(() => {
      settled.value = true;
    });
    return () => clearTimeout(timer);
  }, []);
  const { heads, note } = state.picture.value;
  const both = mode.value === "both";
  return (
    <section class="ap-detail" aria-label="The chosen heads, large">
      <div class="ap-detail-head">
        <h3>{pictureName(heads)}</h3>
        <fieldset class="ap-modes">
          <legend class="wb-hidden">Show as</legend>
          {MODES.filter(([value]) => wide || value !== "both").map(([value, label]) => (
            <button
              type="button"
              key={value}
              aria-pressed={mode.value === value}
              onClick={() => {
                wish.value = value;
              }}
            >
              {label}
            </button>
          ))}
        </fieldset>
      </div>
      {note && <p class="ap-note">{note}</p>}
      <div class="ap-pictures">
        {mode.value !== "lines" && <HeatMap state={state} room={both ? room * 0.6 : room} />}
        {mode.value !== "map" && settled.value && (
          <Lines state={state} room={both ? room * 0.38 : Math.min(room, 560)} />
        )}
      </div>
      <ReadOut state={state} />
    </section>
  );
}
