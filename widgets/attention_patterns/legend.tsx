import type { State } from "./state";

const TICKS = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 1];

/** What the colours mean: weight, on a scale of its square root so that small weights show. */
export function Legend({ state }: { state: State }) {
  const scale = state.scale.value;
  const stops = Array.from({ length: 17 }, (_, i) => scale.css(i / 16)).join(",");
  return (
    <div
      class="ap-legend"
      role="img"
      aria-label="Colour scale: attention weight from 0 to 1, by its square root"
    >
      <span>attention weight (colour by √weight)</span>
      <div class="ap-ramp" style={{ background: `linear-gradient(90deg, ${stops})` }} />
      <div class="ap-ticks">
        {TICKS.map((tick) => (
          <span key={tick} style={{ left: `${100 * Math.sqrt(tick)}%` }}>
            {tick}
          </span>
        ))}
      </div>
    </div>
  );
}
