import axe from "axe-core";
import { afterEach, describe, expect, it } from "vitest";
import { decoded, type Stage, stage, TOKENS, traits, VOCABULARY } from "./fixture";

let on: Stage;
afterEach(() => on.stop());

describe("the keyboard", () => {
  const saved = () => Object.assign({}, ...on.model.saves);
  it("moves over cells, up towards the last block, and pins", async () => {
    on = stage(traits(decoded(), { selected: [1, 1] }));
    await on.key("ArrowUp");
    await on.key("ArrowRight");
    expect(on.find("[role=gridcell]").textContent).toMatch(
      /^block 1, token 2 ·of: <script>alert\(1\)<\/script> 50.0%, entropy/,
    );
    expect(on.find(".hs-tip").textContent).toContain("block 1, token 2");
    expect(on.grid().getAttribute("aria-activedescendant")).toBe(on.find("[role=gridcell]").id);
    expect(on.find("[role=gridcell]").ariaSelected).toBe("false");
    await on.key("Enter");
    await expect.poll(() => on.model.saves).toEqual([{ selected: [2, 2] }]);
    expect(on.find("[role=gridcell]").ariaSelected).toBe("true");
  });
  it("tracks the top token, switches the metric, and clears", async () => {
    on = stage(traits(decoded({ tracked: [] }), { tracked: -1, selected: [1, 1] }));
    await on.key("t");
    expect(on.model.request("track").args).toEqual({ id: 102, token: VOCABULARY[2] });
    await on.key("m");
    await expect.poll(() => saved().metric).toBe("entropy");
    await on.key("m"); // nothing is tracked: no rank to show
    await expect.poll(() => saved().metric).toBe("probability");
    await on.key("ArrowUp");
    await on.key("Escape");
    await expect.poll(() => saved().selected).toBeNull();
    expect(on.el.querySelector(".hs-tip")).toBeNull();
  });
  it("reaches all three metrics when a token is tracked", async () => {
    on = stage(traits(decoded()));
    await on.key("m");
    await on.key("m");
    await expect.poll(() => saved().metric).toBe("rank");
  });
  it("leaks no key to the page around it", async () => {
    on = stage(traits(decoded(), { other: decoded() }));
    const heard: string[] = [];
    on.el.addEventListener("keydown", (event) => heard.push(event.key));
    const parts = on.all("button, input, textarea, .hs-scroller");
    expect(parts.length).toBeGreaterThan(15);
    for (const part of parts)
      for (const key of ["x", "a", "Enter", "ArrowDown", "Escape", "m", "Delete"])
        part.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    expect(heard).toEqual([]);
  });
  it("does not take letters away from the prompt", async () => {
    on = stage(traits(decoded()));
    const box = on.find("textarea");
    for (const key of ["m", "t", "ArrowLeft", "Escape"]) {
      const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
      box.dispatchEvent(event);
      expect(event.defaultPrevented).toBe(false);
    }
    expect(on.model.saves).toEqual([]);
  });
});

describe("axe-core", () => {
  const tokens = [...TOKENS, ...Array.from({ length: 30 }, (_, i) => `·t${i}`)];
  const states = {
    "one prompt": traits(decoded({ tokens, tracked: [2, 3] }), { selected: [2, 1] }),
    "nothing tracked": traits(decoded({ tracked: [] }), { tracked: -1 }),
    "two prompts": traits(decoded({ tracked: [2, 3] }), {
      other: decoded({ tracked: [2, 3] }),
      metric: "rank",
    }),
  };
  for (const [name, state] of Object.entries(states))
    for (const theme of ["light", "dark"])
      for (const width of [500, 1200])
        it(`finds nothing serious: ${name}, ${theme}, ${width} px`, async () => {
          on = stage({ ...state, theme }, width);
          await on.key("ArrowDown");
          const { violations } = await axe.run(on.el);
          const found = violations.map(
            ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.html)}`,
          );
          expect(found.filter((text) => /^(serious|critical)/.test(text))).toEqual([]);
        });
});
