import { batch, type Signal, signal } from "@preact/signals";
import type { Requests } from "../shared/request";
import type { ViewModel } from "../shared/traits";
import { type Head, type HeadMap, isSamePage, type Page, readHead, readPage } from "./page";

/** Full-resolution maps kept in the browser: 32 maps of 512 tokens are 32 MB. */
const MOST_KEPT = 32;

/**
 * The page of the prompt that is picked: the one in `data`, one seen before, or one asked for.
 * The kernel also sends `data` anew after a turn to another prompt, which is then the page that was replied.
 */
export function followPage(
  model: ViewModel,
  requests: Requests,
  prompt: Signal<number>,
  onOtherRecord: () => void,
) {
  const seen = new Map<number, Page>();
  const first = readPage(model.get("data")); // a throw here is shown in place of the picture
  const page = signal(first);
  const pagePrompt = signal(prompt.value);
  const trouble = signal("");
  const show = (of: number, got: Page) => {
    seen.set(of, got);
    batch(() => {
      page.value = got;
      pagePrompt.value = of;
      trouble.value = "";
    });
  };
  show(prompt.value, first);
  model.on("change:data", () => {
    try {
      const got = readPage(model.get("data"));
      const of = model.get<number>("prompt");
      if (!isSamePage(got, seen.get(of))) {
        seen.clear(); // another record: nothing read of the old one holds
        onOtherRecord();
      }
      show(of, got);
    } catch (error) {
      trouble.value = (error as Error).message;
    }
  });
  const ask = async (wanted: number) => {
    requests.cancelAll("page");
    try {
      const { value, buffers } = await requests.send("page", { prompt: wanted }, { title: "Other prompt" });
      const got = readPage(value, buffers);
      if (prompt.peek() === wanted) show(wanted, got);
    } catch (error) {
      // Said in the status line. The picker goes back to the prompt whose picture is still here.
      if (prompt.peek() === wanted && (error as { kind?: string }).kind !== "cancelled")
        prompt.value = pagePrompt.peek();
    }
  };
  model.onEnd(
    prompt.subscribe((wanted) => {
      const known = seen.get(wanted);
      if (known) show(wanted, known);
      else void ask(wanted);
    }),
  );
  return { page, pagePrompt, trouble };
}

/** Full-resolution maps, asked for one by one when the page is pooled. */
export function followHeads() {
  const kept = signal<ReadonlyMap<string, HeadMap>>(new Map());
  const trouble = signal("");
  let asked = new Set<string>();
  const keyOf = (prompt: number, head: Head) => `${prompt}/${head.join("/")}`;
  const forget = () => {
    asked = new Set();
    batch(() => {
      kept.value = new Map();
      trouble.value = "";
    });
  };
  return {
    /** Another record has come: nothing kept holds. */
    forget,
    /** Why the last map could not be read, in words. */
    trouble,
    /** The map of a head, when it is here. */
    get: (prompt: number, head: Head) => kept.value.get(keyOf(prompt, head)),
    /** Ask for the map of a head that is neither here nor on its way. */
    async ask(requests: Requests, prompt: number, head: Head, tokens: number): Promise<void> {
      const key = keyOf(prompt, head);
      if (asked.has(key)) return;
      const asking = asked.add(key); // forget() puts another set in its place
      const args = { prompt, layer: head[0], head: head[1] };
      try {
        const { value, buffers } = await requests.send("head", args, { quiet: true });
        const map = readHead(value, buffers, tokens);
        if (asking !== asked) return;
        const all = [...kept.peek(), [key, map] as const];
        for (const [old] of all.slice(0, -MOST_KEPT)) asked.delete(old);
        kept.value = new Map(all.slice(-MOST_KEPT));
      } catch (error) {
        if (asking !== asked) return;
        asked.delete(key); // asked for again when it is chosen again
        trouble.value = (error as Error).message;
      }
    },
  };
}
