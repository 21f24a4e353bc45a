import { headName, linesOf, shortWeight, weightText } from "./layout";
import { weightError } from "./page";
import { lockedRow, type Picture, rowText, type State } from "./state";

/** What is pointed at (or locked), in one sentence with numbers. */
export function ReadOut({ state }: { state: State }) {
  return (
    <p class="ap-readout" role="status">
      {sentence(state)}
    </p>
  );
}

function sentence(state: State): string {
  const picture = state.picture.value;
  const pointed = state.pointed.value;
  if (pointed?.query != null && pointed.key != null)
    return cellSentence(state, picture, pointed.query, pointed.key);
  if (pointed?.query != null) return tokenSentence(state, picture, "query", pointed.query);
  if (pointed?.key != null) return tokenSentence(state, picture, "key", pointed.key);
  const locked = lockedRow(state);
  if (locked) return `Locked: ${tokenSentence(state, picture, locked.side, locked.row)}`;
  return "Point at a cell or a token to read its weights; click to lock a token.";
}

function cellSentence(state: State, picture: Picture, query: number, key: number): string {
  const { map, maps, heads } = picture;
  const names = `query ${rowText(state, query).name} reads key ${rowText(state, key).name}`;
  if (map.causal && key > query) return `${names}: never, it comes later`;
  const weight = map.weights[query * map.size + key];
  const value = weightText(weight, weightError(weight));
  if (maps.length === 1 || maps.length > 4) return `${names}: ${value}`;
  const each = maps.map(
    (one, i) => `${headName(heads[i])} ${shortWeight(one.weights[query * one.size + key])}`,
  );
  return `${names}: mean ${value} (${each.join(", ")})`;
}

function tokenSentence(state: State, picture: Picture, side: "query" | "key", row: number): string {
  const { map } = picture;
  const most = linesOf(map, side, row).slice(-4).reverse();
  const other = side === "query" ? "key" : "query";
  const list = most
    .map((line) => `${rowText(state, line[other]).name} ${shortWeight(line.weight)}`)
    .join(", ");
  const name = rowText(state, row).name;
  return side === "query" ? `query ${name} reads most: ${list}` : `key ${name} is read most by: ${list}`;
}
