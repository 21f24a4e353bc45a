/** What one cell holds, for the tooltip and the panel: decoded tokens with bars, entropy, tracked tokens. */

import type { Place } from "./layout";
import { cellIndex, type Decoded, followedTokens, type Guess, guesses, placeOf, trackedAt } from "./record";
import type { Viewer } from "./state";
import { bits, ordinal, percent } from "./values";

export const rowName = (record: Decoded, row: number): string =>
  row === record.rows.length - 1 && row > 0 ? `${record.rows[row]} (last)` : record.rows[row];

/** A token as text: spaces kept, directions kept apart, shortened by the style sheet only. */
export function Token({ children, picked }: { children: string; picked?: boolean }) {
  return <bdi class={picked ? "wb-token hs-picked" : "wb-token"}>{children}</bdi>;
}

/** Where a cell is: "block 12 · token 5 ·is". */
export function Where({ record, place: [row, position] }: { record: Decoded; place: Place }) {
  return (
    <span class="hs-where">
      {rowName(record, row)}, token {position} <Token>{record.tokens[position]}</Token>
    </span>
  );
}

/** The decoded tokens of a cell, best first; with `pick` every token is a button. */
export function TopTokens(props: {
  record: Decoded;
  place: Place;
  picked?: number[];
  pick?: (guess: Guess) => void;
}) {
  const { record, place, picked = [], pick } = props;
  return (
    <ol class="hs-top">
      {guesses(record, ...place).map((guess, i) => {
        const isPicked = picked.includes(guess.id);
        const bar = (
          <>
            <i class="hs-bar" style={{ width: `${guess.probability * 100}%` }} aria-hidden="true" />
            <Token picked={isPicked}>{guess.token}</Token>
            <span class="hs-number">{percent(guess.probability)}</span>
          </>
        );
        return (
          <li key={i}>
            {pick ? (
              <button
                type="button"
                class="hs-guess"
                aria-pressed={isPicked}
                title={isPicked ? `${guess.token} is tracked` : `Track ${guess.token} through the layers`}
                onClick={() => pick(guess)}
              >
                {bar}
              </button>
            ) : (
              <span class="hs-guess">{bar}</span>
            )}
          </li>
        );
      })}
    </ol>
  );
}

export function Entropy({ record, place }: { record: Decoded; place: Place }) {
  return (
    <div class="hs-fact">
      <span>entropy</span>
      <span class="hs-number">{bits(record.entropy[cellIndex(record, ...place)])}</span>
    </div>
  );
}

/** Probability and rank of every tracked token in a cell. */
export function TrackedHere({ record, place, most = 99 }: { record: Decoded; place: Place; most?: number }) {
  const tokens = followedTokens(record);
  if (tokens.length === 0) return null;
  return (
    <table class="hs-tracked">
      <thead>
        <tr>
          <th scope="col">tracked</th>
          <th scope="col">prob.</th>
          <th scope="col" title="Rank in the whole vocabulary: #1 is the top token (rank 0 in Python)">
            rank
          </th>
        </tr>
      </thead>
      <tbody>
        {tokens.slice(0, most).map(({ at, token }) => {
          const here = trackedAt(record, at, ...place);
          return (
            <tr key={at}>
              <th scope="row">
                <Token>{token}</Token>
              </th>
              <td>{percent(here.probability)}</td>
              <td>{ordinal(here.rank)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** The tracked token in one cell of A and of B, in words. */
export function trackedDifference(viewer: Viewer, place: Place): string | null {
  const [a, b, id] = [viewer.a.value, viewer.b.value, viewer.trackedId.value];
  if (!b || id === null || a.rows.length !== b.rows.length) return null;
  if (a.tokens[place[1]] === undefined || b.tokens[place[1]] === undefined) return null;
  const [atA, atB] = [placeOf(a, id), placeOf(b, id)];
  if (atA < 0 || atB < 0) return null;
  const [inA, inB] = [trackedAt(a, atA, ...place), trackedAt(b, atB, ...place)];
  const change = (from: string, to: string) => (from === to ? from : `${from} → ${to}`);
  return `probability ${change(percent(inA.probability), percent(inB.probability))}, rank ${change(ordinal(inA.rank), ordinal(inB.rank))}`;
}
