import { afterEach, describe, expect, it } from "vitest";
import { FakeModel, settle } from "./fake_model";
import { followTheme, themeAround } from "./theme";
import { ViewModel } from "./traits";

afterEach(() => {
  document.body.removeAttribute("style");
  document.body.removeAttribute("class");
});

function root(): HTMLElement {
  const el = document.createElement("div");
  document.body.append(el);
  return el.appendChild(document.createElement("div"));
}

describe("themeAround", () => {
  it.each([
    ["#fff", "light"],
    ["#111", "dark"],
    ["rgba(0, 0, 0, 0.87)", "dark"],
    ["color(srgb 0.1 0.1 0.1)", "dark"],
    ["rgb(200 200 190)", "light"],
  ])("judges the background %s as %s", (background, theme) => {
    document.body.style.background = background;
    expect(themeAround(root())).toBe(theme);
  });

  it("judges by the text where nothing is painted", () => {
    document.body.style.color = "#eee";
    expect(themeAround(root())).toBe("dark");
  });

  it("looks out of a shadow root", () => {
    document.body.style.background = "#111";
    const inner = document.createElement("div");
    root().attachShadow({ mode: "open" }).append(inner);
    expect(themeAround(inner)).toBe("dark");
  });
});

describe("followTheme", () => {
  it("follows the page, and a wish against it with own colours", async () => {
    const model = new FakeModel({});
    const view = new ViewModel(model);
    const el = root();
    const worn = followTheme(view, el);
    expect([worn.value, el.dataset.theme]).toEqual(["light", "light"]);
    document.body.style.background = "#111";
    await settle();
    expect([worn.value, el.dataset.theme]).toEqual(["dark", "dark"]);
    expect(el.hasAttribute("data-own-colours")).toBe(false);
    model.fromKernel("theme", "light");
    expect([worn.value, el.hasAttribute("data-own-colours")]).toEqual(["light", true]);
    view.end();
    expect(model.listeners()).toBe(0);
    model.fromKernel("theme", "dark");
    document.body.style.background = "#fff";
    await settle();
    expect(worn.value).toBe("light");
  });
});
