"""Static figures, in Plotly: for what needs no gesture.

JupyterLab draws them from their JSON with the renderer that comes with Plotly, so nothing is fetched and a
notebook holds the numbers and not a copy of the library.
"""

from __future__ import annotations

import sys

import plotly.graph_objects as go
import plotly.io

from workbench.ablation import HeadEffects


def head_map(effects: HeadEffects) -> go.Figure:
    """Draw the effect of each head as a map of layers and heads.

    Args:
        effects: What `workbench.head_effects` measured.

    Returns:
        A figure; orange is a loss for the token and purple a gain, symmetric about zero.
    """
    _draw_from_json()
    layers, heads = effects.effect.shape
    # float32 numbers carry digits that are noise: they would differ between processors in a stored notebook.
    values = [[round(value, 4) for value in row] for row in effects.effect.tolist()]
    reach = max(abs(value) for row in values for value in row) or 1.0
    figure = go.Figure(
        go.Heatmap(
            z=values,
            zmin=-reach,
            zmax=reach,
            colorscale="PuOr",
            colorbar={"title": {"text": "change of<br>log probability<br>(nats)"}},
            hovertemplate="L%{y}H%{x}: %{z:+.3f} nats<extra></extra>",
        )
    )
    figure.update_layout(
        title={"text": f"Zeroing one head: effect on {effects.token} after {effects.prompt}"},
        xaxis={"title": {"text": "head"}, "dtick": 1 if heads <= 16 else 4},
        yaxis={"title": {"text": "layer"}, "dtick": 1 if layers <= 12 else 5},
        width=max(420, 26 * heads + 240),
        height=max(320, 15 * layers + 130),
        margin={"t": 60, "b": 50},
    )
    return figure


def _draw_from_json() -> None:
    # Plotly's other notebook renderer writes 5 MB of JavaScript into each output. Colab draws in its own way.
    if "google.colab" not in sys.modules:
        plotly.io.renderers.default = "plotly_mimetype"
