"""Shapley values by other packages, each as its documentation tells, for all outputs.

Each function returns a way to explain rows of states, or raises ImportError. All call the given
function and nothing else. Their defaults are kept unless said.
"""

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from pellucid.bench.harness import Counted, Work

SEED = 0


@dataclass(frozen=True)
class Peer:
    """A package's way to Shapley values.

    Args:
        name: Package and method.
        distribution: What to install.
        exact: Whether its result is exact at this number of inputs.
        make: Returns the way for a function and background rows.
    """

    name: str
    distribution: str
    exact: bool
    make: Callable[[Counted, Shaped[np.ndarray, "background inputs"]], Work]


def quiet(work: Work) -> Work:
    """Return a way whose warnings are not shown: they are the peer's own."""

    def call(states: Any) -> Float[np.ndarray, "states inputs outputs"]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(work(states))

    return call


def _shap(method: str, **options: Any) -> Callable[[Counted, np.ndarray], Work]:
    def make(fn: Counted, background: np.ndarray) -> Work:
        shap = importlib.import_module("shap")
        masker = shap.maskers.Independent(background, max_samples=len(background))
        explainer = getattr(shap.explainers, method)(fn, masker, **options)
        return quiet(lambda states: explainer(states, silent=True).values)

    return make


def _shap_kernel(fn: Counted, background: np.ndarray) -> Work:
    shap = importlib.import_module("shap")
    explainer = shap.KernelExplainer(fn, background)
    return quiet(lambda states: np.asarray(explainer.shap_values(states, silent=True)))


def _captum(fn: Counted, background: np.ndarray) -> Work:
    """One call per output on all pairs of a state and a background row at once."""
    torch = importlib.import_module("torch")
    method = importlib.import_module("captum.attr").ShapleyValueSampling(
        lambda rows: torch.from_numpy(fn(rows.numpy()))
    )
    n_outputs = fn.fn(background[:1]).shape[1]

    def explain(states: np.ndarray) -> np.ndarray:
        shape = (len(states), len(background), states.shape[1])
        inputs, hidden = (
            torch.from_numpy(np.broadcast_to(rows, shape).reshape(-1, shape[2]).copy())
            for rows in (states[:, None], background[None])
        )
        torch.manual_seed(SEED)
        found = [
            method.attribute(inputs, baselines=hidden, target=output).numpy()
            for output in range(n_outputs)
        ]
        values = np.stack(found, axis=-1).reshape(*shape, n_outputs)
        return np.asarray(values.mean(axis=1))

    return quiet(explain)


def _shapiq(explain_game: Callable[[Any, Any, int], Any]) -> Callable[[Counted, np.ndarray], Work]:
    """One game per state and output, as its games are scalar."""

    def make(fn: Counted, background: np.ndarray) -> Work:
        shapiq = importlib.import_module("shapiq")
        n_outputs = fn.fn(background[:1]).shape[1]

        def one(state: np.ndarray, output: int) -> np.ndarray:
            def game(coalitions: np.ndarray) -> np.ndarray:
                masks = np.asarray(coalitions, dtype=bool)[:, None]
                hybrids = np.where(masks, state, background).reshape(-1, len(state))
                worth = fn(hybrids)[:, output].reshape(len(masks), -1)
                return np.asarray(worth.mean(axis=1))

            found = explain_game(shapiq, game, len(state))
            return np.asarray(found.get_n_order_values(1))

        def explain(states: np.ndarray) -> np.ndarray:
            return np.stack(
                [np.stack([one(x, o) for o in range(n_outputs)], axis=-1) for x in states]
            )

        return quiet(explain)

    return make


def _shapiq_exact(shapiq: Any, game: Any, n_inputs: int) -> Any:
    return shapiq.ExactComputer(game, n_players=n_inputs)("SV")


def _shapiq_kernel(shapiq: Any, game: Any, n_inputs: int) -> Any:
    # pairs are off by default and a free gain; half of all coalitions
    method = shapiq.KernelSHAP(n=n_inputs, pairing_trick=True, random_state=SEED)
    return method.approximate(2 ** (n_inputs - 1), game)


PEERS = (
    Peer("shap Exact", "shap", True, _shap("Exact")),
    Peer("shap Kernel", "shap", True, _shap_kernel),
    Peer("shapiq ExactComputer", "shapiq", True, _shapiq(_shapiq_exact)),
    Peer("shap Permutation", "shap", False, _shap("Permutation", seed=SEED)),
    Peer("captum ShapleyValueSampling", "captum", False, _captum),
    Peer("shapiq KernelSHAP, paired, 128 of 256", "shapiq", False, _shapiq(_shapiq_kernel)),
)
