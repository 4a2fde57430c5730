"""What an input does to an action with several parts, as one output beside those of the parts.

Rankings and tests need one value per input and state. For an action that is one choice it is that
of the chosen value; here it is made of the parts.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from pellucid.agents.outputs import action_parts, chosen_columns
from pellucid.explanation.content import Attribution

WHOLE_ACTION = "the action as a whole"
"""Name of the output."""


def with_whole_action(content: Attribution, space: Any) -> Attribution:
    """Return an attribution with the whole action as its last output, which is the chosen one.

    Choices alone: the sum, over parts, of the attributions of the values that the agent prefers in
    that state: what speaks for the action as it is. By linearity the values add up to the output
    minus the baseline, as those of the parts do.

    Where there are quantities: the sum, over parts, of sizes, each divided by the standard
    deviation of its output over the explained states (an output that never varies counts as it
    is), because one may be in degrees and another in newtons. Sizes do not add up to anything.

    Standard errors are the sums of those of the parts, which is the most that they can be.

    Args:
        content: An attribution of an agent's preferences.
        space: The action space.

    Returns:
        The same content where an action has one part.
    """
    parts = action_parts(space)
    if len(parts) < 2 or not len(content.values):
        return content
    columns = chosen_columns(content.outputs, space)
    values = np.take_along_axis(content.values, columns[:, None, :], axis=2)
    errors = np.take_along_axis(content.standard_errors, columns[:, None, :], axis=2)
    baseline = np.broadcast_to(content.baseline, content.outputs.shape)
    reached = np.take_along_axis(content.outputs, columns, axis=1)
    hidden = np.take_along_axis(baseline, columns, axis=1)
    if any(part.kind == "quantity" for part in parts):
        spread = _spread(content.outputs)[columns]
        values, errors = np.abs(values) / spread[:, None, :], errors / spread[:, None, :]
        reached, hidden = np.abs(reached - hidden) / spread, np.zeros_like(hidden)
    n_outputs = content.outputs.shape[1]
    return replace(
        content,
        values=np.concatenate([content.values, values.sum(axis=2)[:, :, None]], axis=2),
        standard_errors=np.concatenate(
            [content.standard_errors, errors.sum(axis=2)[:, :, None]], axis=2
        ),
        outputs=np.concatenate([content.outputs, reached.sum(axis=1)[:, None]], axis=1),
        baseline=np.concatenate([baseline, hidden.sum(axis=1)[:, None]], axis=1),
        output_names=(*content.output_names, WHOLE_ACTION),
        chosen=np.full(len(values), n_outputs, dtype=np.int64),
    )


def _spread(outputs: Float[np.ndarray, "states outputs"]) -> Float[np.ndarray, " outputs"]:
    spread = outputs.std(axis=0)
    return np.where(spread > 0, spread, 1.0)
