/** What the colours mean and how large the cells are: choices, and the legend with its numbers. */

import type { CellSize } from "./layout";
import { cellIndex, followedTokens } from "./record";
import type { Viewer } from "./state";
import { along, type Metric, type Scale } from "./values";

interface Choice<T> {
  value: T;
  text: string;
  title: string;
  disabled?: boolean;
}

function Choices<T extends string>(props: {
  /** Name of the radio group, of this view alone. */
  name: string;
  label: string;
  value: T;
  options: Choice<T>[];
  choose: (value: T) => void;
}) {
  return (
    <fieldset class="hs-choices">
      <legend>{props.label}</legend>
      {props.options.map(({ value, text, title, disabled }) => (
        <label key={value} title={title}>
          <input
            type="radio"
            name={props.name}
            checked={props.value === value}
            disabled={disabled}
            onChange={() => props.choose(value)}
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

export function Toolbar({ viewer }: { viewer: Viewer }) {
  const token = followedTokens(viewer.a.value).find(({ id }) => id === viewer.trackedId.value)?.token;
  const metrics: Choice<Metric>[] = [
    { value: "probability", text: "Probability", title: "Probability of the top decoded token" },
    { value: "entropy", text: "Entropy", title: "Entropy of the decoded distribution, in bits" },
    {
      value: "rank",
      text: token ? `Tracked ${clip(token)}` : "Tracked token",
      title: token
        ? `Where ${token} is in every cell`
        : "Track a token first: click one in the list of a cell",
      disabled: !token && viewer.metric.value !== "rank",
    },
  ];
  const sizes: Choice<CellSize>[] = [
    { value: "small", text: "S", title: "Small cells: the whole picture, no text" },
    { value: "medium", text: "M", title: "Medium cells" },
    { value: "large", text: "L", title: "Large cells, for long tokens" },
  ];
  return (
    <div class="hs-toolbar">
      <Choices
        name={`${viewer.uid}-metric`}
        label="Colour"
        value={viewer.metric.value}
        options={metrics}
        choose={(value) => {
          viewer.metric.value = value;
        }}
      />
      {viewer.metric.value === "rank" && (
        <Choices
          name={`${viewer.uid}-as`}
          label="as"
          value={viewer.asProbability.value ? "probability" : "rank"}
          options={[
            { value: "rank", text: "rank", title: "Rank in the vocabulary, log scale" },
            { value: "probability", text: "probability", title: "Probability" },
          ]}
          choose={(value) => {
            viewer.asProbability.value = value === "probability";
          }}
        />
      )}
      <Choices
        name={`${viewer.uid}-size`}
        label="Cells"
        value={viewer.size.value}
        options={sizes}
        choose={(value) => {
          viewer.size.value = value;
        }}
      />
      {viewer.b.value && (
        <label class="hs-check" title="Colour every cell by the value in B minus the value in A">
          <input
            type="checkbox"
            checked={viewer.subtract.value}
            onChange={(event) => {
              viewer.subtract.value = event.currentTarget.checked;
            }}
          />
          difference B − A
        </label>
      )}
    </div>
  );
}

const clip = (token: string) => (token.length > 14 ? `${token.slice(0, 13)}…` : token);

export function Legend({ viewer }: { viewer: Viewer }) {
  const { scale, colours } = viewer.shading.value;
  const noValues = viewer.metric.value === "rank" && viewer.trackedId.value === null;
  const stops = Array.from({ length: 17 }, (_, i) => colours.css(scale.reversed ? 1 - i / 16 : i / 16));
  return (
    <figure class="hs-legend">
      <figcaption>
        {scale.name}
        <span class="hs-note"> {noValues ? "(none is tracked)" : scale.unit && `(${scale.unit})`}</span>
      </figcaption>
      <div class="hs-legend-bar" style={{ background: `linear-gradient(to right, ${stops.join(",")})` }}>
        <Needle viewer={viewer} scale={scale} />
      </div>
      <div class="hs-legend-ticks">
        {scale.ticks.map(({ at, text }) => (
          <span
            key={at}
            class="hs-legend-tick"
            data-end={at === 0 ? "low" : at === 1 ? "high" : undefined}
            style={{ left: `${at * 100}%` }}
          >
            {text}
          </span>
        ))}
      </div>
    </figure>
  );
}

/** Where the cell under the pointer lies on the scale. */
function Needle({ viewer, scale }: { viewer: Viewer; scale: Scale }) {
  const probe = viewer.probe.value;
  if (!probe) return null;
  const values = viewer.shading.value.values[probe.which];
  const at = along(scale, values?.[cellIndex(viewer.recordOf(probe.which), ...probe.place)] ?? Number.NaN);
  return Number.isNaN(at) ? null : (
    <i class="hs-needle" style={{ left: `${at * 100}%` }} aria-hidden="true" />
  );
}
