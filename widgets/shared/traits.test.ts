import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeModel } from "./fake_model";
import { incoming, SAVE_AFTER_MS, trait, ViewModel } from "./traits";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("trait", () => {
  it("sends writes made together as one message", () => {
    const outer = new FakeModel({ a: 1, b: [1, 2] });
    const model = new ViewModel(outer);
    const [a, b] = [trait<number>(model, "a"), trait<number[]>(model, "b")];
    a.value = 2;
    a.value = 3;
    b.value = [5, 6];
    expect(outer.saves).toEqual([]);
    vi.advanceTimersByTime(SAVE_AFTER_MS);
    expect(outer.saves).toEqual([{ a: 3, b: [5, 6] }]);
  });

  it("follows the kernel without answering", () => {
    const outer = new FakeModel({ a: 1 });
    const a = trait<number>(new ViewModel(outer), "a");
    outer.fromKernel("a", 9);
    vi.advanceTimersByTime(1000);
    expect(a.value).toBe(9);
    expect(outer.saves).toEqual([]);
  });

  it("does not send an equal list again", () => {
    const outer = new FakeModel({ a: [1, [2]] });
    trait<unknown>(new ViewModel(outer), "a").value = [1, [2]];
    vi.advanceTimersByTime(1000);
    expect(outer.saves).toEqual([]);
  });

  it("keeps two views of one model in step", () => {
    const outer = new FakeModel({ a: 1 });
    const [one, two] = [trait<number>(new ViewModel(outer), "a"), trait<number>(new ViewModel(outer), "a")];
    one.value = 4;
    expect(two.value).toBe(4);
  });

  it("saves what is waiting before a message, and when the view ends", () => {
    const outer = new FakeModel({ a: 1 });
    const model = new ViewModel(outer);
    const a = trait<number>(model, "a");
    a.value = 2;
    model.send({ kind: "request" });
    expect(outer.saves).toEqual([{ a: 2 }]);
    a.value = 3;
    model.end();
    expect(outer.saves).toEqual([{ a: 2 }, { a: 3 }]);
    a.value = 4;
    vi.advanceTimersByTime(1000);
    expect(outer.saves.length).toBe(2);
  });

  it("ends without a listener left, in reverse order", () => {
    const outer = new FakeModel({ a: 1, big: 1 });
    const model = new ViewModel(outer);
    const ended: number[] = [];
    trait(model, "a");
    incoming(model, "big");
    model.onEnd(() => ended.push(1));
    model.onEnd(() => ended.push(2));
    expect(outer.listeners()).toBe(2);
    model.end();
    expect(outer.listeners()).toBe(0);
    expect(ended).toEqual([2, 1]);
  });

  it("stays usable when the kernel can no longer be written to", () => {
    const outer = new FakeModel({ a: 1 });
    outer.save_changes = () => {
      throw new Error("Comm is closed");
    };
    const a = trait<number>(new ViewModel(outer), "a");
    a.value = 2;
    vi.advanceTimersByTime(SAVE_AFTER_MS);
    expect(a.value).toBe(2);
  });
});
