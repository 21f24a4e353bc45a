import { type ReadonlySignal, type Signal, signal } from "@preact/signals";

/** What anywidget 0.9 and 0.11 both give a view; nothing else of the host is used. */
export interface AnyModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback: (...args: never[]) => void): void;
}

/** Writes made within this time go to the kernel as one message. */
export const SAVE_AFTER_MS = 40;

/** The model as one view sees it: everything registered through it ends with that view. */
export class ViewModel {
  readonly #model: AnyModel;
  readonly #endings: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(model: AnyModel) {
    this.#model = model;
  }

  /** The present value of a trait. */
  get<T>(name: string): T {
    return this.#model.get(name) as T;
  }

  /** Set a trait at once here (other views follow) and soon in the kernel. */
  set(name: string, value: unknown): void {
    if (this.#ended) return;
    this.#model.set(name, value);
    this.#timer ??= setTimeout(() => this.flush(), SAVE_AFTER_MS);
  }

  /** Send what is still waiting to the kernel now. */
  flush(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      this.#model.save_changes();
    } catch {
      // A model whose kernel is gone cannot save; the picture and its selection stay usable.
    }
  }

  /** Send a custom message, after the trait writes that came before it. */
  send(content: unknown): void {
    this.flush();
    this.#model.send(content);
  }

  /** Hear an event of the model until the view ends. */
  on(event: string, callback: (...args: never[]) => void): void {
    this.#model.on(event, callback);
    this.#endings.push(() => this.#model.off(event, callback));
  }

  /** Run `ending` when the view ends. */
  onEnd(ending: () => void): void {
    this.#endings.push(ending);
  }

  /** End the view: flush, then undo everything in reverse order. */
  end(): void {
    if (this.#ended) return;
    this.flush();
    this.#ended = true;
    for (const ending of this.#endings.reverse()) ending();
    this.#endings.length = 0;
  }
}

/** A small trait as a two-way signal: writing it reaches the kernel, a change from the kernel reaches it. */
export function trait<T>(model: ViewModel, name: string): Signal<T> {
  const here = signal(model.get<T>(name));
  model.on(`change:${name}`, () => {
    here.value = model.get<T>(name);
  });
  model.onEnd(
    here.subscribe((value) => {
      if (!same(value, model.get<T>(name))) model.set(name, value);
    }),
  );
  return here;
}

/** A large trait that only the kernel writes, as a signal. */
export function incoming<T>(model: ViewModel, name: string): ReadonlySignal<T> {
  const here = signal(model.get<T>(name));
  model.on(`change:${name}`, () => {
    here.value = model.get<T>(name);
  });
  return here;
}

/** Equality of small JSON values, so that an equal array is not sent again. */
export function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
