import { fromBase64 } from "./array";
import type { AnyModel } from "./traits";

type Callback = (...args: never[]) => void;
type Sent = { kind: string; id: string; name?: string; args?: Record<string, unknown> };

/** A widget's model for tests: remembers what was saved and sent, and plays the kernel. */
export class FakeModel implements AnyModel {
  /** What reached the kernel by save_changes, one entry a message. */
  readonly saves: Record<string, unknown>[] = [];
  /** Custom messages sent to the kernel. */
  readonly sent: Sent[] = [];
  /** When true, `send` throws, as it does with a closed comm. */
  dead = false;
  readonly #state: Record<string, unknown>;
  #dirty: Record<string, unknown> = {};
  readonly #heard = new Map<string, Set<Callback>>();

  constructor(state: Record<string, unknown>) {
    this.#state = { theme: "auto", title: "", ...state };
  }

  get(name: string): unknown {
    return this.#state[name];
  }

  set(name: string, value: unknown): void {
    this.#state[name] = value;
    this.#dirty[name] = value;
    this.emit(`change:${name}`);
  }

  save_changes(): void {
    if (Object.keys(this.#dirty).length) this.saves.push(this.#dirty);
    this.#dirty = {};
  }

  send(content: unknown): void {
    if (this.dead) throw new Error("Comm is closed");
    this.sent.push(content as Sent);
  }

  on(event: string, callback: Callback): void {
    this.#heard.set(event, (this.#heard.get(event) ?? new Set()).add(callback));
  }

  off(event: string, callback: Callback): void {
    this.#heard.get(event)?.delete(callback);
  }

  emit(event: string, ...args: unknown[]): void {
    for (const callback of [...(this.#heard.get(event) ?? [])]) callback(...(args as never[]));
  }

  /** A trait changed by the kernel: heard, not saved. */
  fromKernel(name: string, value: unknown): void {
    this.#state[name] = value;
    this.emit(`change:${name}`);
  }

  /** The newest request of this name. */
  request(name: string): Sent {
    const found = this.sent.findLast((message) => message.kind === "request" && message.name === name);
    if (!found) throw new Error(`no request "${name}" was sent`);
    return found;
  }

  /** A custom message from the kernel about a request. */
  tell(to: Sent, message: Record<string, unknown>, buffers: DataView[] = []): void {
    this.emit("msg:custom", { ...message, id: to.id }, buffers);
  }

  /** How many callbacks are still registered. */
  listeners(): number {
    return [...this.#heard.values()].reduce((sum, set) => sum + set.size, 0);
  }
}

/** Draw a widget on a fake model, in a place of its own of this width; `one` and `all` find parts of it. */
export function show(
  widget: { render(props: { model: AnyModel; el: HTMLElement }): () => void },
  state: Record<string, unknown>,
  width = 1200,
) {
  const model = new FakeModel(state);
  const el = document.createElement("div");
  el.style.width = `${width}px`;
  document.body.append(el);
  const end = widget.render({ model, el });
  const stop = () => {
    end();
    el.remove();
  };
  const root = el.querySelector(".wb") as HTMLElement;
  const all = <T extends HTMLElement = HTMLElement>(css: string) => [...root.querySelectorAll<T>(css)];
  const one = <T extends HTMLElement = HTMLElement>(css: string) => {
    const found = root.querySelector<T>(css);
    if (!found) throw new Error(`nothing matches ${css}`);
    return found;
  };
  return { model, el, root, one, all, stop };
}

/** Wait until what was just changed is on the screen: four frames, for parts that bring later parts. */
export async function settle(): Promise<void> {
  for (let frame = 0; frame < 4; frame++)
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}

/** The trait values of an example.json, its base64 arrays turned into what a kernel message holds. */
export function revive(json: unknown): Record<string, unknown> {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (!value || typeof value !== "object") return value;
    const { data64, ...rest } = value as Record<string, unknown>;
    if (typeof data64 === "string") return { ...rest, data: fromBase64(data64) };
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner)]));
  };
  return walk(json) as Record<string, unknown>;
}
