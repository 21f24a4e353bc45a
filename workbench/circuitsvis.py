"""CircuitsVis pictures that never touch the network.

Shown bare, a CircuitsVis picture asks a host on the internet whether it is online and then loads its
script from a content delivery network, on every display. Here it always carries its own script, out of
the installed package: 1.3 MB in the notebook for each picture. Wrap any other picture of that library in
`offline` the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from IPython.display import HTML

from workbench.errors import RecordError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from circuitsvis.utils.render import RenderedHTML

CALL = "\n    CircuitsVis.render(\n"  # stands between the library's script and what it draws
END = "</script>"


def attention_heads(weights: torch.Tensor | np.ndarray, tokens: Sequence[str]) -> HTML:
    """Show attention patterns the way CircuitsVis does, without a network.

    Args:
        weights: attention weights, [head, query, key], such as `AttentionWeights.weights[prompt, layer]`.
        tokens: one string for each position.

    Returns:
        What a notebook shows as the picture. It is drawn once and sends nothing back to Python.

    Raises:
        RecordError: when the weights have another shape than the tokens ask for.
    """
    from circuitsvis.attention import attention_heads as draw

    count = len(tokens)
    if tuple(weights.shape[1:]) != (count, count):
        raise RecordError(
            f"attention_heads needs weights of the shape [head, {count}, {count}] for {count} tokens, but "
            f"got {list(weights.shape)}: choose one prompt and one layer first."
        )
    return offline(draw(attention=weights, tokens=list(tokens)))


def offline(rendered: RenderedHTML) -> HTML:
    """Turn any CircuitsVis picture into one that carries its own script.

    Args:
        rendered: what a function of `circuitsvis` returned.

    Returns:
        The same picture for the notebook. Text in it stays text, also where it looks like a tag.
    """
    script, call, drawn = rendered.local_src.partition(CALL)
    data, end, rest = drawn.rpartition(END)
    # The library pastes its data into the script as JSON; a token "</script>" would end the script there.
    return HTML(script + call + data.replace("<", "\\u003c") + end + rest)
