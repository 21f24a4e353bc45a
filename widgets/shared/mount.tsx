import { type ReadonlySignal, signal } from "@preact/signals";
import { Component, type ComponentChildren, type ComponentType, render } from "preact";
import type { Theme } from "./colour";
import { keepKeys } from "./keyboard";
import { Requests } from "./request";
import { Panel } from "./status";
import { followTheme } from "./theme";
import { type AnyModel, ViewModel } from "./traits";
import "./theme.css";

/** What every view is given. */
export interface ViewProps {
  /** Traits and messages of the widget (see `trait`, `incoming`); ends with the view. */
  model: ViewModel;
  requests: Requests;
  /** The theme being worn. */
  theme: ReadonlySignal<Theme>;
  /** Width of the widget in CSS pixels. */
  width: ReadonlySignal<number>;
  /** The element everything is drawn in; the widget looks for nothing outside it. */
  root: HTMLElement;
}

/** The anywidget front end of a view: `export default mount(View)`. */
export function mount(View: ComponentType<ViewProps>) {
  return {
    render({ model: outer, el }: { model: AnyModel; el: HTMLElement }): () => void {
      const model = new ViewModel(outer);
      const root = el.ownerDocument.createElement("div");
      root.className = "wb";
      el.append(root);
      keepKeys(model, root);
      const theme = followTheme(model, root);
      const width = followWidth(model, root);
      const requests = new Requests(model);
      const draw = () =>
        render(
          <Boundary model={model}>
            <View {...{ model, requests, theme, width, root }} />
          </Boundary>,
          root,
        );
      model.onEnd(() => {
        render(null, root);
        root.remove();
      });
      draw();
      root.dataset.ready = "1"; // layout effects have run: canvases are painted
      return () => model.end();
    },
  };
}

/** A view that throws says so in words, and tries again when new data comes. */
class Boundary extends Component<
  { model: ViewModel; children: ComponentChildren },
  { error: string | null }
> {
  override state = { error: null as string | null };

  override componentDidMount() {
    this.props.model.on("change:data", () => {
      if (this.state.error !== null) this.setState({ error: null });
    });
  }

  override componentDidCatch(error: unknown) {
    this.setState({ error: error instanceof Error ? error.message : String(error) });
  }

  override render() {
    const { error } = this.state;
    return error === null ? (
      this.props.children
    ) : (
      <Panel title="The picture cannot be drawn" message={error} />
    );
  }
}

function followWidth(model: ViewModel, root: HTMLElement): ReadonlySignal<number> {
  const width = signal(root.clientWidth || 800);
  const watcher = new ResizeObserver(() => {
    // A cell that is folded away has no width; the last one is kept so that nothing is laid out for zero.
    if (root.clientWidth > 0) width.value = root.clientWidth;
  });
  watcher.observe(root);
  model.onEnd(() => watcher.disconnect());
  return width;
}
