import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeModel } from "./fake_model";
import { ACCEPTED_WITHIN_MS, GONE, NO_ANSWER, Requests } from "./request";
import { ViewModel } from "./traits";

function start() {
  const outer = new FakeModel({});
  const model = new ViewModel(outer);
  return { outer, model, requests: new Requests(model) };
}
const stateOf = (requests: Requests) => requests.runs.value[0]?.state.value;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("Requests", () => {
  it("goes from waiting over progress to the reply with its buffers", async () => {
    const { outer, requests } = start();
    const answer = requests.send("ablate", { heads: [[1, 2]] }, { title: "Ablate L1H2" });
    const sent = outer.request("ablate");
    expect(sent.args).toEqual({ heads: [[1, 2]] });
    expect(requests.runs.value[0].title).toBe("Ablate L1H2");
    expect(stateOf(requests)).toEqual({ kind: "waiting" });
    outer.tell(sent, { kind: "accepted" });
    outer.tell(sent, { kind: "progress", done: 0.25, text: "layer 3" });
    expect(stateOf(requests)).toEqual({ kind: "running", done: 0.25, text: "layer 3" });
    outer.tell(sent, { kind: "progress", done: null, text: "" });
    expect(stateOf(requests)).toEqual({ kind: "running", done: null, text: "" });
    const bytes = new DataView(new ArrayBuffer(3));
    outer.tell(sent, { kind: "reply", value: 7 }, [bytes]);
    expect(await answer).toEqual({ value: 7, buffers: [bytes] });
    expect(requests.runs.value).toEqual([]);
  });

  it("keeps an error in words until it is dismissed or the same is asked again", async () => {
    const { outer, requests } = start();
    const answer = requests.send("ablate", {});
    outer.tell(outer.request("ablate"), { kind: "error", message: "There is no head 99." });
    await expect(answer).rejects.toMatchObject({ kind: "error", message: "There is no head 99." });
    expect(stateOf(requests)).toEqual({ kind: "error", message: "There is no head 99." });
    requests.send("ablate", {});
    expect(requests.runs.value.length).toBe(1);
    expect(stateOf(requests)).toEqual({ kind: "waiting" });
    outer.tell(outer.request("ablate"), { kind: "error" });
    expect(stateOf(requests)).toMatchObject({ message: expect.stringContaining("did not say why") });
    requests.dismiss(requests.runs.value[0].id);
    expect(requests.runs.value).toEqual([]);
  });

  it("says so when nobody answers, and goes on when somebody does", async () => {
    const { outer, requests } = start();
    const answer = requests.send("page", {});
    vi.advanceTimersByTime(ACCEPTED_WITHIN_MS - 1);
    expect(stateOf(requests)).toEqual({ kind: "waiting" });
    vi.advanceTimersByTime(1);
    expect(stateOf(requests)).toEqual({ kind: "silent", message: NO_ANSWER });
    outer.tell(outer.request("page"), { kind: "accepted" });
    expect(stateOf(requests)).toEqual({ kind: "waiting" });
    outer.tell(outer.request("page"), { kind: "reply", value: 1 });
    expect((await answer).value).toBe(1);
  });

  it("never calls an accepted request silent, however long it takes", () => {
    const { outer, requests } = start();
    requests.send("page", {});
    outer.tell(outer.request("page"), { kind: "accepted" });
    vi.advanceTimersByTime(100 * ACCEPTED_WITHIN_MS);
    expect(stateOf(requests)).toEqual({ kind: "waiting" });
  });

  it("cancels, and ends when the kernel says that it has stopped", async () => {
    const { outer, requests } = start();
    const answer = requests.send("ablate", {});
    const sent = outer.request("ablate");
    outer.tell(sent, { kind: "accepted" });
    requests.cancel(sent.id);
    expect(outer.sent.at(-1)).toEqual({ kind: "cancel", id: sent.id });
    expect(requests.runs.value.length).toBe(1);
    outer.tell(sent, { kind: "cancelled" });
    await expect(answer).rejects.toMatchObject({ kind: "cancelled" });
    expect(requests.runs.value).toEqual([]);
  });

  it("lets a cancelled request go at once when nobody listens", async () => {
    const { outer, requests } = start();
    const answer = requests.send("ablate", {});
    vi.advanceTimersByTime(ACCEPTED_WITHIN_MS);
    requests.cancel(outer.request("ablate").id);
    await expect(answer).rejects.toMatchObject({ kind: "cancelled" });
    expect(requests.runs.value).toEqual([]);
  });

  it("says that the kernel is gone when sending throws", async () => {
    const { outer, requests } = start();
    outer.dead = true;
    await expect(requests.send("ablate", {})).rejects.toMatchObject({ kind: "gone", message: GONE });
    expect(stateOf(requests)).toEqual({ kind: "gone", message: GONE });
  });

  it("says that the kernel is gone when it went before the cancel", async () => {
    const { outer, requests } = start();
    const answer = requests.send("ablate", {});
    outer.tell(outer.request("ablate"), { kind: "accepted" });
    outer.dead = true;
    requests.cancel(outer.request("ablate").id);
    await expect(answer).rejects.toMatchObject({ kind: "gone" });
    requests.cancel(requests.runs.value[0].id);
    expect(requests.runs.value).toEqual([]);
  });

  it("does not paint quiet requests", async () => {
    const { outer, requests } = start();
    const answer = requests.send("head", {}, { quiet: true });
    expect(requests.runs.value).toEqual([]);
    outer.tell(outer.request("head"), { kind: "error", message: "no" });
    await expect(answer).rejects.toThrow("no");
    expect(requests.runs.value).toEqual([]);
  });

  it("ignores answers to others and noise", () => {
    const { outer, requests } = start();
    requests.send("page", {});
    outer.tell({ kind: "request", id: "of another view" }, { kind: "reply", value: 1 });
    outer.emit("msg:custom", null, []);
    outer.emit("msg:custom", "noise", []);
    expect(stateOf(requests)).toEqual({ kind: "waiting" });
  });

  it("gives up what is open when the view ends", async () => {
    const { outer, model, requests } = start();
    const answer = requests.send("page", {});
    model.end();
    await expect(answer).rejects.toMatchObject({ kind: "cancelled" });
    expect(outer.listeners()).toBe(0);
    vi.advanceTimersByTime(ACCEPTED_WITHIN_MS);
    expect(stateOf(requests)).toEqual({ kind: "waiting" });
  });
});
