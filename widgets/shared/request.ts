import { type Signal, signal } from "@preact/signals";
import type { ViewModel } from "./traits";

/** Where a request stands. `silent`: nobody took it yet; `gone`: it could not even be sent. */
export type RequestState =
  | { kind: "waiting" }
  | { kind: "running"; done: number | null; text: string }
  | { kind: "error"; message: string }
  | { kind: "silent"; message: string }
  | { kind: "gone"; message: string };

/** One request of this view, from the gesture until it is answered (errors stay until dismissed). */
export interface Run {
  readonly id: string;
  readonly name: string;
  /** What to call it on the screen. */
  readonly title: string;
  readonly state: Signal<RequestState>;
}

/** What a reply brings: its value, and the buffers its arrays point into (see `decode`). */
export interface Reply<T = unknown> {
  value: T;
  buffers: DataView[];
}

export interface SendOptions {
  /** What to call the request on the screen; the name when left out. */
  title?: string;
  /** Not painted in the status line (reads of more detail); its errors are not either. */
  quiet?: boolean;
}

/** Why a request did not end with a value. */
export class RequestError extends Error {
  readonly kind: "error" | "cancelled" | "gone";
  constructor(kind: RequestError["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

export const ACCEPTED_WITHIN_MS = 5000;
export const NO_ANSWER =
  "No answer from the kernel yet: it is busy with another cell, or it has stopped. The picture stays.";
export const GONE = "The kernel is gone, so this cannot be computed. The picture stays.";

interface Pending extends Run {
  quiet: boolean;
  accepted: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
  resolve(reply: Reply): void;
  reject(error: RequestError): void;
}

interface Message {
  kind: "accepted" | "progress" | "reply" | "error" | "cancelled";
  id: string;
  done?: number | null;
  text?: string;
  message?: string;
  value?: unknown;
}

let views = 0;

/** The requests of one view: sent to the kernel, followed, answered, cancelled. */
export class Requests {
  /** What the status line paints, oldest first. */
  readonly runs = signal<readonly Run[]>([]);
  readonly #model: ViewModel;
  readonly #pending = new Map<string, Pending>();
  // Every view of a model hears every answer: an id must be of this view alone, also across pages.
  readonly #prefix = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}.${++views}`;
  #count = 0;

  constructor(model: ViewModel) {
    this.#model = model;
    model.on("msg:custom", (message: Message, buffers?: DataView[]) => this.#hear(message, buffers ?? []));
    model.onEnd(() => {
      for (const run of [...this.#pending.values()]) {
        this.#close(run);
        run.reject(new RequestError("cancelled", "The view was closed."));
      }
    });
  }

  /** Ask the kernel; a newer request of the same name takes the place of an error of an older one. */
  send<T = unknown>(
    name: string,
    args: Record<string, unknown>,
    options: SendOptions = {},
  ): Promise<Reply<T>> {
    const id = `${this.#prefix}.${++this.#count}`;
    for (const run of this.runs.value)
      if (run.name === name && !this.#pending.has(run.id)) this.dismiss(run.id);
    const answer = new Promise<Reply>((resolve, reject) => {
      const state = signal<RequestState>({ kind: "waiting" });
      const { title = name, quiet = false } = options;
      const run = { id, name, title, state, quiet, accepted: false, timer: undefined, resolve, reject };
      this.#pending.set(id, run);
      if (!quiet) this.runs.value = [...this.runs.value, run];
      this.#attempt(run, { kind: "request", id, name, args });
    });
    answer.catch(() => {}); // an answer nobody waits for is not an unhandled rejection: it is painted
    return answer as Promise<Reply<T>>;
  }

  /** Ask the kernel to stop a request; the run stays until the kernel says it has stopped. */
  cancel(id: string): void {
    const run = this.#pending.get(id);
    if (!run) {
      this.dismiss(id);
    } else if (run.state.value.kind === "silent" || run.state.value.kind === "gone") {
      // Nobody listens: forget it here. The kernel still hears the wish if it wakes up.
      this.#attempt(run, { kind: "cancel", id });
      this.#close(run);
      this.dismiss(id);
      run.reject(new RequestError("cancelled", "Cancelled."));
    } else {
      run.accepted = false;
      this.#attempt(run, { kind: "cancel", id });
    }
  }

  /** Cancel everything of this name that has no answer yet. */
  cancelAll(name: string): void {
    for (const run of [...this.#pending.values()]) if (run.name === name) this.cancel(run.id);
  }

  /** Take a finished or hopeless run off the screen. */
  dismiss(id: string): void {
    this.runs.value = this.runs.value.filter((run) => run.id !== id);
  }

  #attempt(run: Pending, message: object): void {
    clearTimeout(run.timer);
    try {
      this.#model.send(message);
    } catch {
      run.state.value = { kind: "gone", message: GONE };
      this.#close(run);
      run.reject(new RequestError("gone", GONE));
      return;
    }
    run.timer = setTimeout(() => {
      if (!run.accepted) run.state.value = { kind: "silent", message: NO_ANSWER };
    }, ACCEPTED_WITHIN_MS);
  }

  #hear(message: Message, buffers: DataView[]): void {
    const run = message && typeof message === "object" ? this.#pending.get(message.id) : undefined;
    if (!run) return;
    clearTimeout(run.timer);
    run.accepted = true;
    if (message.kind === "accepted") {
      if (run.state.value.kind === "silent") run.state.value = { kind: "waiting" };
    } else if (message.kind === "progress") {
      run.state.value = { kind: "running", done: message.done ?? null, text: message.text ?? "" };
    } else if (message.kind === "reply") {
      this.#close(run);
      this.dismiss(run.id);
      run.resolve({ value: message.value, buffers });
    } else if (message.kind === "cancelled") {
      this.#close(run);
      this.dismiss(run.id);
      run.reject(new RequestError("cancelled", "Cancelled."));
    } else if (message.kind === "error") {
      const text = message.message || "The kernel could not do this, and did not say why.";
      run.state.value = { kind: "error", message: text };
      this.#close(run);
      run.reject(new RequestError("error", text));
    }
  }

  #close(run: Pending): void {
    clearTimeout(run.timer);
    this.#pending.delete(run.id);
  }
}
