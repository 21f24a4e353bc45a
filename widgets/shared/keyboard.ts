import type { ViewModel } from "./traits";

/** Keep every key pressed inside the root from the page around it: JupyterLab would cut cells at an "x". */
export function keepKeys(model: ViewModel, root: HTMLElement): void {
  root.dataset.lmSuppressShortcuts = "true"; // for JupyterLab's own listener, should it come first
  const stop = (event: Event) => event.stopPropagation();
  for (const name of ["keydown", "keypress", "keyup"]) {
    root.addEventListener(name, stop);
    model.onEnd(() => root.removeEventListener(name, stop));
  }
}

/** Run the action of a pressed key ("Ctrl+Home", "Shift+ " ...) and keep the browser from also acting on it. */
export function onKeys(actions: Record<string, () => void>) {
  return (event: KeyboardEvent) => {
    if (event.altKey) return;
    const held = (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + (event.shiftKey ? "Shift+" : "");
    const action = actions[held + event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };
}

/** Actions of the arrow, Home, End and Page keys that move a place in a grid and hand the new place to `go`. */
export function gridMoves(
  place: readonly [number, number],
  rows: number,
  columns: number,
  go: (row: number, column: number) => void,
  page = 5,
): Record<string, () => void> {
  const [row, column] = place;
  const to = (r: number, c: number) => () =>
    go(Math.max(0, Math.min(rows - 1, r)), Math.max(0, Math.min(columns - 1, c)));
  return {
    ArrowUp: to(row - 1, column),
    ArrowDown: to(row + 1, column),
    ArrowLeft: to(row, column - 1),
    ArrowRight: to(row, column + 1),
    Home: to(row, 0),
    End: to(row, columns - 1),
    PageUp: to(row - page, column),
    PageDown: to(row + page, column),
    "Ctrl+Home": to(0, 0),
    "Ctrl+End": to(rows - 1, columns - 1),
  };
}
