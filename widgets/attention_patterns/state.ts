import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { categories, type Scale, sequential, type Theme } from "../shared/colour";
import type { ViewProps } from "../shared/mount";
import type { Requests } from "../shared/request";
import { incoming, trait, type ViewModel } from "../shared/traits";
import { followHeads, followPage } from "./follow";
import { type Arrangement, arrange, headName, type Side } from "./layout";
import { type Head, type HeadMap, headMap, meanMap, type Page } from "./page";

/** What is pointed at, in rows and columns of the map: a query, a key, or a cell. */
export interface Pointed {
  query: number | null;
  key: number | null;
}

/** The large picture: one map a head, and their mean, which is drawn. */
export interface Picture {
  heads: readonly Head[];
  maps: readonly HeadMap[];
  map: HeadMap;
  /** Why it is coarser than the tokens; empty when it is not. */
  note: string;
}

/** More heads than this are drawn as their mean also by lines, and are not fetched one by one. */
export const MOST_COLOURS = 6;

/** Everything the parts of the view read and write. */
export interface State {
  model: ViewModel;
  requests: Requests;
  page: ReadonlySignal<Page>;
  /** Why new data could not be drawn; the last picture stays. */
  trouble: ReadonlySignal<string>;
  /** The prompt the page on the screen belongs to; `prompt` is the one that is wanted. */
  pagePrompt: ReadonlySignal<number>;
  arrangement: ReadonlySignal<Arrangement>;
  theme: ReadonlySignal<Theme>;
  scale: ReadonlySignal<Scale>;
  colours: ReadonlySignal<readonly string[]>;
  picture: ReadonlySignal<Picture>;
  /** The heads drawn large: the selection, or the focus when nothing is selected. */
  shown: ReadonlySignal<readonly Head[]>;
  focus: Signal<Head>;
  heads: Signal<readonly Head[]>;
  locked: Signal<number | null>;
  /** Which column the locked token was locked in; belongs to this view alone. */
  lockedSide: Signal<Side>;
  pointed: Signal<Pointed | null>;
  prompt: Signal<number>;
  prompts: ReadonlySignal<readonly string[]>;
  effect: ReadonlySignal<unknown>;
  title: ReadonlySignal<string>;
}

/** Wire the traits of AttentionPatterns to what the parts draw. */
export function makeState({ model, requests, theme, width }: ViewProps): State {
  const prompt = trait<number>(model, "prompt");
  const focus = trait<Head>(model, "focus");
  const heads = trait<readonly Head[]>(model, "heads");
  const full = followHeads();
  const { page, pagePrompt, trouble } = followPage(model, requests, prompt, full.forget);

  const inModel = ([layer, head]: Head) => layer < page.value.layers && head < page.value.heads;
  const shown = computed(() => {
    const chosen = heads.value.filter(inModel);
    return chosen.length ? chosen : [inModel(focus.value) ? focus.value : ([0, 0] as Head)];
  });
  const picture = computed((): Picture => {
    const all = shown.value;
    const coarse = page.value.pooled > 1;
    const fine = coarse ? all.map((head) => full.get(pagePrompt.value, head)) : [];
    const whole = fine.length > 0 && fine.every((map) => map !== undefined);
    const maps = whole ? (fine as HeadMap[]) : all.map((head) => headMap(page.value, head));
    const note = coarse && !whole ? coarseNote(page.value, all.length, full.trouble.value) : "";
    return { heads: all, maps, map: meanMap(maps), note };
  });
  const pointed = signal<Pointed | null>(null);
  const rows = computed(() => picture.value.map.size);

  model.onEnd(
    effect(() => {
      const { pooled, tokens } = page.value;
      if (pooled > 1 && shown.value.length <= MOST_COLOURS)
        for (const head of shown.value) full.ask(requests, pagePrompt.value, head, tokens.length);
    }),
  );
  model.onEnd(
    rows.subscribe(() => {
      pointed.value = null;
    }),
  );
  return {
    model,
    requests,
    page,
    trouble,
    pagePrompt,
    arrangement: computed(() => arrange(width.value, page.value.layers, page.value.heads)),
    theme,
    scale: computed(() => sequential(theme.value)),
    colours: computed(() => categories(theme.value)),
    picture,
    shown,
    focus,
    heads,
    locked: trait<number | null>(model, "locked"),
    lockedSide: signal<Side>("query"),
    pointed,
    prompt,
    prompts: incoming<readonly string[]>(model, "prompts"),
    effect: incoming(model, "effect"),
    title: incoming<string>(model, "title"),
  };
}

/** Draw this head large, and make it the selection. */
export function choose(state: State, head: Head): void {
  batch(() => {
    state.focus.value = head;
    state.heads.value = [head];
  });
}

/** Lock the token at a row (or column) of the map, or let it go when it was locked. */
export function lock(state: State, side: Side, row: number): void {
  const now = lockedRow(state);
  const at = row * state.picture.value.map.pooled;
  batch(() => {
    state.locked.value = now?.row === row && now.side === side ? null : at;
    state.lockedSide.value = side;
  });
}

/** Let the locked token go, and point at nothing. */
export function release(state: State): void {
  batch(() => {
    state.locked.value = null;
    state.pointed.value = null;
  });
}

/** The row (or column) of the map that holds the locked token, when the page has that token. */
export function lockedRow(state: State): { side: Side; row: number } | null {
  const at = state.locked.value;
  if (at === null || at < 0 || at >= state.page.value.tokens.length) return null;
  return { side: state.lockedSide.value, row: Math.floor(at / state.picture.value.map.pooled) };
}

/** "L5H1", "mean of L5H1 and L3H2", "mean of 7 heads". */
export function pictureName(heads: readonly Head[]): string {
  if (heads.length === 1) return headName(heads[0]);
  if (heads.length > MOST_COLOURS) return `mean of ${heads.length} heads`;
  return `mean of ${heads.slice(0, -1).map(headName).join(", ")} and ${headName(heads[heads.length - 1])}`;
}

/** The token or tokens of a row of the map: its short label, and its name in a sentence. */
export function rowText(state: State, row: number): { label: string; name: string } {
  const { tokens } = state.page.value;
  const { pooled } = state.picture.value.map;
  if (pooled === 1) return { label: tokens[row], name: `"${tokens[row]}" (pos ${row})` };
  const first = row * pooled;
  const last = Math.min(tokens.length, first + pooled) - 1;
  return {
    label: `${tokens[first]} …`,
    name: `"${tokens[first]}" to "${tokens[last]}" (pos ${first} to ${last})`,
  };
}

function coarseNote(page: Page, heads: number, trouble: string): string {
  const what = `Each cell is the largest weight of ${page.pooled} x ${page.pooled} tokens. `;
  if (heads > MOST_COLOURS) return `${what}Select at most ${MOST_COLOURS} heads to see every token.`;
  return what + (trouble || "Reading every token ...");
}
