/**
 * The page shim of `save_html`: shows widgets from one file, with no kernel and no network.
 *
 * The page (written by workbench/widgets/standalone.py) holds
 *   <script type="application/json" id="workbench-standalone">[Saved, ...]</script>
 * (or the same text as gzip in base64, of type "application/gzip") and then this bundle as <script type="module">. A picture is put into the element with id `workbench-<n>`,
 * or at the end of the body when there is none.
 */
import { fromBase64 } from "./array";
import type { AnyModel } from "./traits";

interface Placed {
  path: (string | number)[];
  data64: string;
}

/** One widget of the page. */
interface Saved {
  /** Text of the widget's own bundle (module and style sheet). */
  esm: string;
  css: string;
  /** Trait values as JSON; binary buffers are taken out and named by their path in the state. */
  state: Record<string, unknown>;
  buffers: Placed[];
  /** Recorded answers: requestKey(name, args) -> value, with base64 buffers for its arrays. */
  replies: Record<string, { value: unknown; buffers?: string[] }>;
}

type Callback = (...args: never[]) => void;

export const NEEDS_KERNEL = "This needs a running kernel: open the notebook and run it.";

/** "name {canonical JSON}": keys sorted, no spaces, as json.dumps(sort_keys=True, separators=(",", ":"), ensure_ascii=False). */
export function requestKey(name: string, args: unknown): string {
  const sorted = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(sorted)
      : value && typeof value === "object"
        ? Object.fromEntries(
            Object.entries(value)
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([key, inner]) => [key, sorted(inner)]),
          )
        : value;
  return `${name} ${JSON.stringify(sorted(args))}`;
}

/** A model with no kernel: traits live here, requests are answered from the recorded replies. */
export class SavedModel implements AnyModel {
  readonly #saved: Saved;
  readonly #heard = new Map<string, Set<Callback>>();

  constructor(saved: Saved) {
    this.#saved = saved;
    for (const { path, data64 } of saved.buffers) {
      let at = saved.state as Record<string | number, unknown>;
      for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
      at[path[path.length - 1]] = fromBase64(data64);
    }
  }

  get(name: string): unknown {
    return this.#saved.state[name];
  }

  set(name: string, value: unknown): void {
    this.#saved.state[name] = value;
    this.#emit(`change:${name}`);
  }

  save_changes(): void {}

  send(content: unknown): void {
    const { kind, id, name, args } = content as { kind: string; id: string; name: string; args: unknown };
    if (kind !== "request") return;
    const known = this.#saved.replies[requestKey(name, args)];
    const answer = known
      ? { kind: "reply", id, value: known.value }
      : { kind: "error", id, message: NEEDS_KERNEL };
    const buffers = (known?.buffers ?? []).map(fromBase64);
    queueMicrotask(() => {
      this.#emit("msg:custom", { kind: "accepted", id }, []);
      this.#emit("msg:custom", answer, buffers);
    });
  }

  on(event: string, callback: Callback): void {
    const all = this.#heard.get(event) ?? new Set();
    this.#heard.set(event, all.add(callback));
  }

  off(event: string, callback: Callback): void {
    this.#heard.get(event)?.delete(callback);
  }

  #emit(event: string, ...args: unknown[]): void {
    for (const callback of [...(this.#heard.get(event) ?? [])]) callback(...(args as never[]));
  }
}

/** Draw every widget the page holds. */
export async function show(page: Document): Promise<void> {
  const all = JSON.parse(await textOf(page.getElementById("workbench-standalone"))) as Saved[];
  for (const [index, saved] of all.entries()) {
    const place =
      page.getElementById(`workbench-${index}`) ?? page.body.appendChild(page.createElement("div"));
    const style = page.createElement("style");
    style.textContent = saved.css;
    page.head.append(style);
    const url = URL.createObjectURL(new Blob([saved.esm], { type: "text/javascript" }));
    const { default: widget } = await import(/* @vite-ignore */ url);
    URL.revokeObjectURL(url);
    widget.render({ model: new SavedModel(saved), el: place });
  }
}

async function textOf(source: HTMLElement | null): Promise<string> {
  const text = source?.textContent ?? "[]";
  if (source?.getAttribute("type") !== "application/gzip") return text;
  const whole = new Blob([fromBase64(text.trim())]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(whole).text();
}

if (document.getElementById("workbench-standalone")) void show(document);
