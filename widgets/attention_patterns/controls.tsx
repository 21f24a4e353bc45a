import { useComputed, useSignal } from "@preact/signals";
import { headName, isSame } from "./layout";
import { MOST_COLOURS, type State } from "./state";

/** Which prompt: one of those read, their mean, or a new one. */
export function PromptBar({ state }: { state: State }) {
  const text = useSignal("");
  const { value: prompts } = state.prompts;
  const going = useGoing(state, "prompt_text");
  const run = (event: Event) => {
    event.preventDefault();
    if (!text.value.trim() || going.value) return;
    state.requests
      .send("prompt_text", { text: text.value }, { title: "New prompt" })
      .then(() => {
        text.value = "";
      })
      .catch(() => {}); // said in the status line; the text stays to be mended
  };
  return (
    <form class="ap-prompts" onSubmit={run}>
      {prompts.length > 1 && (
        <label>
          <span>Prompt</span>
          <select
            value={String(state.prompt.value)}
            onChange={(event) => {
              state.prompt.value = Number(event.currentTarget.value);
            }}
          >
            <option value="-1">mean over {prompts.length} prompts</option>
            {prompts.map((label, index) => (
              <option key={index} value={String(index)}>
                {index}: {label}
              </option>
            ))}
          </select>
        </label>
      )}
      <label class="ap-new">
        <span>New prompt</span>
        <input
          type="text"
          value={text.value}
          placeholder="type a text for the model to read"
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
      </label>
      <button type="submit" class="wb-button" disabled={!text.value.trim() || going.value}>
        Run
      </button>
    </form>
  );
}

/** The selected heads, and what can be done to them. */
export function Selection({ state }: { state: State }) {
  const kind = useSignal<"zero" | "mean">("zero");
  const heads = state.heads.value;
  const going = useGoing(state, "ablate");
  const coloured = heads.length > 1 && heads.length <= MOST_COLOURS;
  const listed = heads.slice(0, 12);
  const ablate = () => {
    const named = heads.length > 3 ? `${heads.length} heads` : heads.map(headName).join(", ");
    const title = `Ablate ${named} (${kind.value})`;
    state.requests.send("ablate", { heads, kind: kind.value }, { title }).catch(() => {}); // said in the status line
  };
  return (
    <div class="ap-selection">
      <div class="ap-chips">
        <span>
          {heads.length ? "Selected" : "No head selected: choose a thumbnail (Ctrl or Shift adds more)."}
        </span>
        {listed.map((head, index) => (
          <button
            type="button"
            key={headName(head)}
            class="ap-chip"
            aria-label={`Take ${headName(head)} out of the selection`}
            onClick={() => {
              state.heads.value = heads.filter((other) => !isSame(other, head));
            }}
          >
            {coloured && <i style={{ background: state.colours.value[index] }} />}
            {headName(head)} <span aria-hidden="true">×</span>
          </button>
        ))}
        {heads.length > listed.length && <span>and {heads.length - listed.length} more</span>}
        {heads.length > 1 && (
          <button
            type="button"
            class="wb-button"
            onClick={() => {
              state.heads.value = [];
            }}
          >
            Clear
          </button>
        )}
      </div>
      <div class="ap-ablate">
        <label>
          <span class="wb-hidden">Put in place of their output</span>
          <select
            value={kind.value}
            onChange={(event) => {
              kind.value = event.currentTarget.value as "zero" | "mean";
            }}
          >
            <option value="zero">zero</option>
            <option value="mean">mean</option>
          </select>
        </label>
        <button
          type="button"
          class="wb-button"
          data-primary
          disabled={!heads.length || going.value}
          onClick={ablate}
        >
          Ablate selected heads
        </button>
      </div>
    </div>
  );
}

/** Whether a request of this name is still unanswered. */
function useGoing(state: State, name: string) {
  return useComputed(() =>
    state.requests.runs.value.some(
      (run) => run.name === name && run.state.value.kind !== "error" && run.state.value.kind !== "gone",
    ),
  );
}
