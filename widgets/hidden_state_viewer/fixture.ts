/** Records in the wire form with numbers that a test can compute in its head; no other file makes them. */
import { FakeModel } from "../shared/fake_model";
import widget from "./index";
import type { Place } from "./layout";
import { cornerOf, frame, geometry } from "./layout";

interface Wish {
  rows?: number;
  tokens?: string[];
  k?: number;
  /** Vocabulary indices of the tracked tokens. */
  tracked?: number[];
  /** Index of the top token of a cell; the others follow in order. */
  best?: (row: number, position: number) => number;
  vocabulary?: string[];
}

export const VOCABULARY = ["·the", "·of", "·Paris", "·Rome", "<script>alert(1)</script>", "⏎", "·a", ","];
export const TOKENS = ["The", "·capital", "·of", "·France", "·is"];

const packed = (dtype: string, data: Float32Array | Int32Array, shape: number[]) => ({
  dtype,
  shape,
  data: new DataView(data.buffer),
});

/** Probability of the top token is row / rows, of the next half of it, and so on; rank of tracked t is 10^t at the last
 *  row and ten times more at every row before. Ids are 100 + index. */
export function decoded(wish: Wish = {}) {
  const { rows = 4, tokens = TOKENS, k = 3, tracked = [2], vocabulary = VOCABULARY } = wish;
  const best = wish.best ?? ((row, position) => (row + position) % vocabulary.length);
  const cells = rows * tokens.length;
  const each = (make: (row: number, position: number, i: number) => number, n = 1) =>
    Array.from({ length: cells * n }, (_, at) => {
      const cell = Math.floor(at / n);
      return make(Math.floor(cell / tokens.length), cell % tokens.length, at % n);
    });
  const through = (make: (t: number, row: number) => number) =>
    tracked.flatMap((_, t) => each((row) => make(t, row)));
  const [R, P] = [rows, tokens.length];
  return {
    record: "DecodedStates",
    version: 1,
    fields: {
      model: "tiny",
      decoder: "logit lens",
      tokens,
      rows: Array.from({ length: rows }, (_, row) => (row ? `block ${row - 1}` : "embedding")),
      vocabulary,
      vocabulary_ids: packed(
        "int32",
        Int32Array.from(vocabulary, (_, i) => 100 + i),
        [vocabulary.length],
      ),
      top: packed("int32", Int32Array.from(each((r, p, i) => (best(r, p) + i) % vocabulary.length, k)), [
        R,
        P,
        k,
      ]),
      probability: packed("float32", Float32Array.from(each((r, _, i) => r / R / 2 ** i, k)), [R, P, k]),
      entropy: packed("float32", Float32Array.from(each((r) => 3 * (R - 1 - r))), [R, P]),
      tracked: packed("int32", Int32Array.from(tracked), [tracked.length]),
      tracked_probability: packed("float32", Float32Array.from(through((_, row) => row / R)), [
        tracked.length,
        R,
        P,
      ]),
      tracked_rank: packed("int32", Int32Array.from(through((t, row) => 10 ** (t + R - 1 - row) - 1)), [
        tracked.length,
        R,
        P,
      ]),
    },
  };
}

export const traits = (data: unknown, more: Record<string, unknown> = {}) => ({
  data,
  other: null,
  selected: null,
  metric: "probability",
  tracked: 0,
  active: 0,
  ...more,
});

/** Middle of a cell on the page, for a pointer. */
export function middleOf(el: HTMLElement, model: FakeModel, place: Place, which = 0) {
  const scroller = el.querySelectorAll<HTMLElement>(".hs-scroller")[which];
  const sizes = ["data", "other"].flatMap((name) => {
    const record = model.get(name) as ReturnType<typeof decoded> | null;
    return record ? [record.fields] : [];
  });
  const parts = frame((el.firstElementChild as HTMLElement).clientWidth, sizes.length > 1);
  const columns = Math.max(...sizes.map((fields) => fields.tokens.length));
  const stacked = sizes.length > 1 && !parts.beside;
  const g = geometry(sizes[0].rows.length, columns, parts.grid, "medium", stacked);
  const { x, y } = cornerOf(g, place);
  const box = scroller.getBoundingClientRect();
  return {
    clientX: box.x + x + g.cellWidth / 2 - scroller.scrollLeft,
    clientY: box.y + y + g.cellHeight / 2 - scroller.scrollTop,
  };
}

export interface Stage {
  model: FakeModel;
  el: HTMLElement;
  /** Ends the view and takes it off the page. */
  stop: () => void;
  /** The parts of a picture that a test talks about. */
  find: <T extends Element = HTMLElement>(selector: string) => T;
  all: (selector: string) => HTMLElement[];
  grid: (which?: number) => HTMLElement;
  /** Gestures and changes by the kernel; each is drawn when its promise is kept. */
  click: (place: Place, which?: number) => Promise<void>;
  hover: (place: Place, which?: number) => Promise<void>;
  key: (key: string, which?: number) => Promise<void>;
  press: (button: HTMLElement) => Promise<void>;
  write: (box: HTMLTextAreaElement, text: string) => Promise<void>;
  kernel: (name: string, value: unknown) => Promise<void>;
  tell: (name: string, message: Record<string, unknown>) => Promise<void>;
}

/** The next picture: everything that happened before it is drawn. */
export const drawn = () => new Promise<void>((seen) => requestAnimationFrame(() => seen()));

/** A widget on a page of its own width, played by a fake kernel. */
export function stage(state: Record<string, unknown>, width = 1000): Stage {
  const model = new FakeModel(state);
  const el = document.createElement("div");
  el.style.width = `${width}px`;
  document.body.append(el);
  const end = widget.render({ model, el });
  const find = <T extends Element>(selector: string) => {
    const found = el.querySelector<T>(selector);
    if (!found) throw new Error(`no ${selector} in the picture`);
    return found;
  };
  const all = (selector: string) => Array.from(el.querySelectorAll<HTMLElement>(selector));
  const grid = (which = 0) => all(".hs-scroller")[which];
  const point =
    (type: string, Event: typeof MouseEvent) =>
    (place: Place, which = 0) => {
      grid(which).dispatchEvent(new Event(type, { bubbles: true, ...middleOf(el, model, place, which) }));
      return drawn();
    };
  return {
    model,
    el,
    stop: () => {
      end();
      el.remove();
    },
    find,
    all,
    grid,
    click: point("click", MouseEvent),
    hover: point("pointermove", PointerEvent),
    key: (key, which = 0) => {
      grid(which).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
      return drawn();
    },
    press: (button) => {
      button.click();
      return drawn();
    },
    write: (box, text) => {
      box.value = text;
      box.dispatchEvent(new Event("input", { bubbles: true }));
      return drawn();
    },
    kernel: (name, value) => {
      model.fromKernel(name, value);
      return drawn();
    },
    tell: (name, message) => {
      model.tell(model.request(name), message);
      return drawn();
    },
  };
}

/** Colour of the canvas at a place of the page. */
export function pixel(el: HTMLElement, at: { clientX: number; clientY: number }, which = 0): number[] {
  const canvas = el.querySelectorAll("canvas")[which];
  const box = canvas.getBoundingClientRect();
  const ratio = canvas.width / box.width;
  const [x, y] = [(at.clientX - box.x) * ratio, (at.clientY - box.y) * ratio];
  return Array.from(
    canvas.getContext("2d")!.getImageData(Math.floor(x), Math.floor(y), 1, 1).data.slice(0, 3),
  );
}
