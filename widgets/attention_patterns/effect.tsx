import { decode, fieldsOf, floats, type PackedArray, strings } from "../shared/array";
import { Panel } from "../shared/status";
import type { State } from "./state";

interface Row {
  id: number;
  token: string;
  before: number | null;
  after: number;
}

/** What the model says next, with and without the edit. */
export function Effect({ state }: { state: State }) {
  const packed = state.effect.value;
  if (packed === null || packed === undefined) return null;
  let record: NextTokens;
  try {
    record = readEffect(packed);
  } catch (error) {
    return <Panel title="The effect cannot be drawn" message={(error as Error).message} />;
  }
  const { rows, edit, position } = record;
  const most = Math.max(...rows.flatMap((row) => [row.before ?? 0, row.after]), 1e-9);
  const compared = rows.some((row) => row.before !== null);
  return (
    <section class="ap-effect" aria-label="Next-token probabilities before and after the edit">
      <h3>
        Next token {position && <span class="ap-muted">{position}</span>}
        {edit && <span class="ap-edit">{edit}</span>}
      </h3>
      <table>
        <thead>
          <tr>
            <th scope="col">token</th>
            {compared && <th scope="col">before</th>}
            <th scope="col">after</th>
            {compared && <th scope="col">change, points</th>}
            <th scope="col" class="ap-bars-name">
              {compared ? (
                <>
                  <i class="ap-key ap-key-before" /> before <i class="ap-key ap-key-after" /> after
                </>
              ) : (
                "probability"
              )}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <th scope="row" class="wb-token" title={`token id ${row.id}`}>
                {row.token}
              </th>
              {compared && <td>{percent(row.before)}</td>}
              <td>{percent(row.after)}</td>
              {compared && <td class="ap-change">{change(row)}</td>}
              <td class="ap-bars">
                {row.before !== null && (
                  <i class="ap-before" style={{ width: `${(100 * row.before) / most}%` }} />
                )}
                <i class="ap-after" style={{ width: `${(100 * row.after) / most}%` }} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface NextTokens {
  rows: Row[];
  edit: string;
  position: string;
}

/** Read a packed NextTokens, most probable before the edit first. */
export function readEffect(packed: unknown): NextTokens {
  const fields = fieldsOf(packed, "NextTokens");
  const numbers = (name: string) => floats(decode(fields[name] as PackedArray));
  const after = numbers("probability");
  const before = fields.baseline ? numbers("baseline") : null;
  const ids = decode(fields.ids as PackedArray).data;
  const tokens = strings(fields, "tokens");
  if (
    after.length !== tokens.length ||
    ids.length !== tokens.length ||
    (before ?? after).length !== tokens.length
  )
    throw new Error(
      `${tokens.length} tokens, but ${after.length} probabilities and ${ids.length} ids arrived.`,
    );
  const rows = tokens.map((token, i) => ({
    id: ids[i],
    token,
    before: before?.[i] ?? null,
    after: after[i],
  }));
  rows.sort((a, b) => (b.before ?? b.after) - (a.before ?? a.after));
  return { rows, edit: String(fields.edit ?? ""), position: String(fields.position ?? "") };
}

function percent(p: number | null): string {
  if (p === null) return "";
  return p < 0.0005 && p > 0 ? "< 0.1 %" : `${(100 * p).toFixed(1)} %`;
}

function change({ before, after }: Row): string {
  const points = 100 * (after - (before ?? after));
  if (Math.abs(points) < 0.05) return "0.0";
  return `${points > 0 ? "+" : "−"}${Math.abs(points).toFixed(1)}`;
}
