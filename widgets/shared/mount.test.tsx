import { signal } from "@preact/signals";
import { describe, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import { settle, show } from "./fake_model";
import { gridMoves, onKeys } from "./keyboard";
import { mount, type ViewProps } from "./mount";
import { Status } from "./status";
import { incoming } from "./traits";

function Picky({ model }: ViewProps) {
  const data = incoming<string>(model, "data");
  if (data.value === "bad") throw new Error("This record has no tokens.");
  return <p>{data.value}</p>;
}

describe("mount", () => {
  it("marks a painted picture, and takes everything away at the end", () => {
    const { el, model, root, stop } = show(mount(Picky), { data: "good" });
    expect(root.dataset.ready).toBe("1");
    expect(root.textContent).toBe("good");
    expect(model.listeners()).toBeGreaterThan(0);
    stop();
    expect(model.listeners()).toBe(0);
    expect(el.childElementCount).toBe(0);
  });

  it("says in words why there is no picture, and tries again with new data", async () => {
    const { model, root, stop } = show(mount(Picky), { data: "bad" });
    await settle();
    expect(root.querySelector("[role=alert]")?.textContent).toBe(
      "The picture cannot be drawn: This record has no tokens.",
    );
    model.fromKernel("data", "good");
    await settle();
    expect(root.textContent).toBe("good");
    stop();
    expect(model.listeners()).toBe(0);
  });

  it("tells the view its width and keeps the last one while it is folded away", async () => {
    let width = signal(0) as ViewProps["width"];
    const Wide = (props: ViewProps) => {
      width = props.width;
      return null;
    };
    const { el, stop } = show(mount(Wide), {}, 640);
    expect(width.value).toBe(640);
    el.style.width = "500px";
    await settle();
    expect(width.value).toBe(500);
    el.style.display = "none";
    await settle();
    expect(width.value).toBe(500);
    stop();
  });

  it("lets no key out, whether it does something or not", async () => {
    const Keys = () => <button type="button">press</button>;
    const { el, root, stop } = show(mount(Keys), {});
    const heard: string[] = [];
    for (const name of ["keydown", "keypress", "keyup"])
      el.addEventListener(name, (event) => heard.push((event as KeyboardEvent).key));
    root.querySelector("button")?.focus();
    await userEvent.keyboard("x{Enter}{ArrowDown}{Escape}{Control>}s{/Control}");
    expect(heard).toEqual([]);
    stop();
    expect(root.dataset.lmSuppressShortcuts).toBe("true");
  });
});

describe("keys", () => {
  it("act on the key with what is held, and only then keep the browser from acting", () => {
    const done: string[] = [];
    const press = onKeys({ ArrowUp: () => done.push("up"), "Shift+ ": () => done.push("more") });
    const event = (key: string, more = {}) =>
      new KeyboardEvent("keydown", { key, cancelable: true, ...more });
    const up = event("ArrowUp");
    press(up);
    expect(up.defaultPrevented).toBe(true);
    press(event(" ", { shiftKey: true }));
    const others = [event("ArrowUp", { ctrlKey: true }), event("ArrowUp", { altKey: true }), event("a")];
    for (const other of others) press(other);
    expect(others.map((other) => other.defaultPrevented)).toEqual([false, false, false]);
    expect(done).toEqual(["up", "more"]);
  });

  it("move within the grid and stop at its edge", () => {
    const gone: [number, number][] = [];
    const moves = gridMoves([0, 2], 3, 4, (row, column) => gone.push([row, column]));
    for (const key of [
      "ArrowUp",
      "ArrowDown",
      "ArrowRight",
      "Home",
      "End",
      "PageDown",
      "Ctrl+Home",
      "Ctrl+End",
    ])
      moves[key]();
    expect(gone).toEqual([
      [0, 2],
      [1, 2],
      [0, 3],
      [0, 0],
      [0, 3],
      [2, 2],
      [0, 0],
      [2, 3],
    ]);
  });
});

describe("Status", () => {
  it("paints progress with a cancel button, and errors until dismissed", async () => {
    let props = {} as ViewProps;
    const View = (given: ViewProps) => {
      props = given;
      return <Status requests={given.requests} only={["ablate"]} />;
    };
    const { model, root, stop } = show(mount(View), {});
    props.requests.send("page", {}, { title: "Not asked for here" });
    props.requests.send("ablate", {}, { title: "Ablate L1H2" });
    model.tell(model.request("ablate"), { kind: "progress", done: 0.4, text: "half <b>way</b>" });
    await settle();
    expect(root.querySelector("[role=status]")?.textContent).toBe("Ablate L1H2 half <b>way</b> 40 %Cancel");
    expect(root.querySelector("progress")?.value).toBe(0.4);
    root.querySelector("button")?.click();
    expect(model.sent.at(-1)?.kind).toBe("cancel");
    model.tell(model.request("ablate"), { kind: "error", message: "It failed: <i>why</i>" });
    await settle();
    expect(root.querySelector("[role=alert] > span")?.textContent).toBe("Ablate L1H2: It failed: <i>why</i>");
    root.querySelector<HTMLButtonElement>("[role=alert] button")?.click();
    await settle();
    expect(root.querySelector("[role=alert]")).toBeNull();
    stop();
  });
});
