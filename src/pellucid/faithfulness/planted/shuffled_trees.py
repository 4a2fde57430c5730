"""The meaningless stand-in: a tree that fits the agent's choices in random order."""

import numpy as np
from jaxtyping import Float, Int

from pellucid.explanation import Surrogate
from pellucid.kernels.cart import fit_cart


def tree_of_shuffled_choices(
    content: Surrogate,
    states: Float[np.ndarray, "states inputs"],
    choices: Int[np.ndarray, " states"],
    rng: np.random.Generator,
    *,
    n_actions: int,
    form: str = "tree",
) -> Surrogate:
    """Return a tree of as many leaves as a stand-in has parts, fitted to shuffled choices.

    Args:
        content: The stand-in whose size is taken.
        states: Shape (states, inputs).
        choices: Shape (states,), what the agent does there.
        rng: Of the order and of the fit.
        n_actions: Actions that there are.
        form: What the tree is called.
    """
    tree = fit_cart(
        states,
        rng.permutation(choices),
        np.ones(len(states)),
        max_leaves=max(2, content.n_parts),
        n_classes=n_actions,
        seed=int(rng.integers(2**31)),
    )
    return Surrogate(
        form=form,
        rules=(),
        code="",
        n_parts=tree.n_leaves,
        complexity=np.array([tree.n_leaves]),
        returns=np.array([np.nan]),
        input_names=content.input_names,
        features=tree.features,
        thresholds=tree.thresholds,
        children=tree.children,
        values=tree.values,
    )
