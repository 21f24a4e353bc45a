import { describe, expect, it } from "vitest";
import { decode, type PackedArray } from "./array";
import { Requests } from "./request";
import { NEEDS_KERNEL, requestKey, SavedModel, show } from "./standalone";
import { ViewModel } from "./traits";

const saved = (replies = {}) => ({
  esm: "",
  css: "",
  state: { a: 1, data: { fields: { maps: { dtype: "uint8", shape: [2] } } } },
  buffers: [{ path: ["data", "fields", "maps", "data"], data64: btoa("\x07\x08") }],
  replies,
});

describe("a saved page", () => {
  it("names requests independently of the order of their arguments", () => {
    expect(requestKey("page", { prompt: 1, at: { b: [2, { y: 1, x: "ä" }], a: null } })).toBe(
      'page {"at":{"a":null,"b":[2,{"x":"ä","y":1}]},"prompt":1}',
    );
  });

  it("puts buffers back where they were", () => {
    const model = new SavedModel(saved());
    const { fields } = model.get("data") as { fields: { maps: PackedArray } };
    expect([...decode(fields.maps).data]).toEqual([7, 8]);
  });

  it("answers what was recorded and says that the rest needs a kernel", async () => {
    const recorded = { value: { dtype: "uint8", shape: [1], buffer: 0 }, buffers: [btoa("\x05")] };
    const requests = new Requests(new ViewModel(new SavedModel(saved({ 'page {"prompt":1}': recorded }))));
    const { value, buffers } = await requests.send("page", { prompt: 1 });
    expect([...decode(value as PackedArray, buffers).data]).toEqual([5]);
    await expect(requests.send("page", { prompt: 2 })).rejects.toThrow(NEEDS_KERNEL);
  });

  it("draws each widget at its place, with its own text as data", async () => {
    const page = document.implementation.createHTMLDocument();
    page.body.innerHTML = '<div id="workbench-0"></div>';
    const source = page.createElement("script");
    source.type = "application/json";
    source.id = "workbench-standalone";
    const esm = 'export default { render: ({ model, el }) => { el.textContent = model.get("text") } }';
    const one = {
      esm,
      css: ".x { color: red }",
      state: { text: "<script>1</script>" },
      buffers: [],
      replies: {},
    };
    source.textContent = JSON.stringify([one, { ...one, state: { text: "two" } }]);
    page.body.append(source);
    await show(page);
    expectBoth(page);
    // The same packed: gzip in base64.
    const packed = new Blob([source.textContent]).stream().pipeThrough(new CompressionStream("gzip"));
    const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
    source.textContent = btoa(String.fromCharCode(...bytes));
    source.type = "application/gzip";
    page.body.lastElementChild?.remove();
    await show(page);
    expectBoth(page);
  });

  function expectBoth(page: Document) {
    expect(page.getElementById("workbench-0")?.textContent).toBe("<script>1</script>");
    expect(page.body.lastElementChild?.textContent).toBe("two");
    expect(page.head.textContent).toContain(".x { color: red }");
  }
});
