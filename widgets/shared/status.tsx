import type { Requests, Run } from "./request";

/** The requests under way (progress, cancel) and those that failed (words, dismiss); `only` those of these names. */
export function Status({ requests, only }: { requests: Requests; only?: readonly string[] }) {
  const runs = requests.runs.value.filter((run) => !only || only.includes(run.name));
  const failed = runs.filter((run) => run.state.value.kind === "error" || run.state.value.kind === "gone");
  const going = runs.filter((run) => !failed.includes(run));
  return (
    <div class="wb-status">
      <div role="status">
        {going.map((run) => (
          <Going key={run.id} run={run} requests={requests} />
        ))}
      </div>
      {failed.map((run) => (
        <Panel
          key={run.id}
          message={messageOf(run)}
          title={run.title}
          dismiss={() => requests.dismiss(run.id)}
        />
      ))}
    </div>
  );
}

function Going({ run, requests }: { run: Run; requests: Requests }) {
  const state = run.state.value;
  const done = state.kind === "running" ? state.done : null;
  const text =
    state.kind === "running" ? state.text : state.kind === "silent" ? state.message : "waiting for its turn";
  return (
    <div class="wb-run" data-state={state.kind}>
      <progress aria-label={run.title} max={1} {...(done === null ? {} : { value: done })} />
      <span class="wb-run-text">
        <b>{run.title}</b> {text}
        {done === null ? "" : ` ${Math.round(100 * done)} %`}
      </span>
      <button type="button" class="wb-button" onClick={() => requests.cancel(run.id)}>
        Cancel
      </button>
    </div>
  );
}

/** An error in words; `dismiss` takes it away. */
export function Panel(props: { message: string; title?: string; dismiss?: () => void }) {
  return (
    <div class="wb-error" role="alert">
      <span>
        {props.title && <b>{props.title}: </b>}
        {props.message}
      </span>
      {props.dismiss && (
        <button type="button" class="wb-button" aria-label="Dismiss this message" onClick={props.dismiss}>
          Dismiss
        </button>
      )}
    </div>
  );
}

function messageOf(run: Run): string {
  const state = run.state.value;
  return "message" in state ? state.message : "";
}
