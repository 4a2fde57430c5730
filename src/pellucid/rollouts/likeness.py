"""Where recorded moments are, so that they can be told near or far: a hidden layer, or inputs."""

from typing import cast

import numpy as np
from jaxtyping import Float

from pellucid.agents.context import in_context
from pellucid.agents.flatten import flat, n_inputs
from pellucid.errors import CapabilityError
from pellucid.types import Agent, Context, HasLatent, Observations

LATENT = "the activations that feed its action head"
INPUTS = "its inputs"
MOST_INPUTS = 2048
"""Numbers of an observation up to which observations are compared as they are."""


def likeness_of(agent: Agent) -> str:
    """Return by what moments of an agent are compared, `LATENT` or `INPUTS`.

    Raises:
        CapabilityError: It shows no hidden layer, and its observations are too large.
    """
    if "latent" in agent.capabilities:
        return LATENT
    n_numbers = n_inputs(agent.observation_space)
    if n_numbers > MOST_INPUTS:
        raise CapabilityError(
            f"{agent.name} shows no hidden layer, and observations of {n_numbers} numbers are not "
            f"compared as they are ({MOST_INPUTS} at most)",
            hint="an agent whose latent activations are shown",
        )
    return INPUTS


def columns_of(
    agent: Agent, observations: Observations, context: Context, likeness: str
) -> Float[np.ndarray, "rows columns"]:
    """Return where observations are; one query each for `LATENT`, none for `INPUTS`.

    Args:
        agent: The agent.
        observations: Shape (rows, *observation).
        context: What its answers depend on beside them.
        likeness: As `likeness_of` returned it.
    """
    if likeness == INPUTS:
        return flat(observations)
    asked = in_context(agent, context)
    return np.asarray(cast(HasLatent, asked).latent(observations), dtype=np.float64)
