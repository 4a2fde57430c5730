"""Patch effect: how far the units named move preferences in new pairs of states."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.acting import preferences
from pellucid.agents.hidden_layers import HiddenLayers, hidden_layers
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check, Contributions, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import paired_score
from pellucid.rollouts.clones import observations_at
from pellucid.rollouts.counterparts import cost_of_counterparts, counterparts, share_moved
from pellucid.rollouts.logs import evenly
from pellucid.seeds import stream


@metric(
    "patch_effect",
    kind=Contributions,
    label="preferences moved toward another choice by the units named",
    direction="higher",
    unit="episode",
    source="Vig 2020 (causal mediation); controls of equal norm ours",
    targets=("action",),
)
def patch_effect(check: Check) -> tuple[Score, ...]:
    """Score hidden units by how far they move preferences in pairs the explanation did not use.

    The units named are the twentieth of the hidden layer of the unit that counts most (at least
    one) that count most there, patched together. Value of an episode: how far the preferences at
    one of its moments move toward those in the nearest recorded state with another choice, in
    percent of the way. `patch_effect.units`: as many random other units of that layer, their change
    stretched to the same norm. `patch_effect.directions`: a random direction of the same norm
    across the layer. 20 draws each; the lower of the two decides.

    Raises:
        CapabilityError: These are no contributions of hidden units, or the layer has no other ones.
        BudgetError: It does not pay for five pairs.
    """
    content = check.finding.content
    assert isinstance(content, Contributions)
    if not len(content.units):
        raise CapabilityError(
            "these are no contributions of hidden units", hint="activation-patching"
        )
    layers = hidden_layers(check.agent)
    pairs = _pairs(check, content, layers)
    layer, named = named_units(content)
    rng = stream(check.seed, "tests", "patch_effect")
    change = np.zeros_like(pairs.held[layer])
    change[:, named] = (pairs.other[layer] - pairs.held[layer])[:, named]
    value = pairs.moved(layers, layer, change)
    draws = range(thresholds.RANDOM_PATCHES)
    controls = {
        "units": [_other_units(pairs, layer, named, change, rng) for _ in draws],
        "directions": [_direction(change, rng) for _ in draws],
    }
    words = {"units": "random units, as far", "directions": "random directions, as far"}
    return tuple(
        paired_score(
            patch_effect.info,  # type: ignore[attr-defined]
            value,
            np.mean([pairs.moved(layers, layer, one) for one in drawn], axis=0),
            words[name],
            name=name,
            value_unit="% of the way",
        )
        for name, drawn in controls.items()
    )


def named_units(content: Contributions) -> tuple[int, Int[np.ndarray, " units"]]:
    """Return the hidden layer of what counts most, and the twentieth of its units that do."""
    top = int(np.argmax(content.values))
    layer = int(content.units[top, 0])
    own = np.flatnonzero(content.units[:, 0] == layer)
    order = own[np.argsort(-content.values[own], kind="stable")]
    wanted = max(1, round(thresholds.NAMED_UNITS_SHARE * int(content.units[own, 2].max())))
    named: list[int] = []
    for part in order:
        if len(named) >= wanted:
            break
        named += range(int(content.units[part, 1]), int(content.units[part, 2]))
    return layer, np.array(sorted(named), dtype=np.int64)


@dataclass(frozen=True)
class _Pairs:
    here: np.ndarray
    before: Float[np.ndarray, "pairs outputs"]
    target: Float[np.ndarray, "pairs outputs"]
    held: list[Float[np.ndarray, "pairs units"]]
    other: list[Float[np.ndarray, "pairs units"]]

    def moved(
        self, layers: HiddenLayers, layer: int, change: Float[np.ndarray, "pairs units"]
    ) -> Float[np.ndarray, " pairs"]:
        """Return how far a change of a layer moves the preferences."""
        after = layers.patched(self.here, layer, self.held[layer] + change)
        return share_moved(self.before, after, self.target)


def _pairs(check: Check, content: Contributions, layers: HiddenLayers) -> _Pairs:
    """Return one pair per episode, of steps that the explanation did not use.

    Raises:
        BudgetError: It does not pay for five.
    """
    episodes = check.episodes
    each = 5 + 1 + 2 * thresholds.RANDOM_PATCHES
    fixed = cost_of_counterparts(episodes, 0)
    wanted = min(thresholds.PATCHED_PAIRS, len(episodes))
    n_pairs = min(wanted, (check.meter.left.queries - fixed) // each)
    least = min(thresholds.UNITS_FOR_WEAK, wanted)
    if n_pairs < least:
        need = fixed + least * each
        raise BudgetError(
            f"patching {least} new pairs takes {need} agent queries; "
            f"{check.meter.left.queries} are left",
            hint=f"a larger budget: at least {need} queries for this test",
        )
    used = {(int(e), int(t)) for e, t in content.moments}
    rng = stream(check.seed, "tests", "patch_effect", "moments")
    chosen = []
    for episode in evenly(len(episodes), n_pairs):
        steps = [t for t in range(len(episodes[episode])) if (episode, t) not in used]
        if steps:
            chosen.append((episode, steps[int(rng.integers(len(steps)))]))
    moments = np.array(chosen, dtype=np.int64).reshape(-1, 2)
    others = counterparts(check.agent, episodes, moments)
    moments, others = moments[others[:, 0] >= 0], others[others[:, 0] >= 0]
    here, there = (observations_at(episodes, steps) for steps in (moments, others))
    before, target = (preferences(check.agent, seen) for seen in (here, there))
    return _Pairs(here, before, target, layers.activations(here), layers.activations(there))


def _other_units(
    pairs: _Pairs,
    layer: int,
    named: Int[np.ndarray, " units"],
    change: Float[np.ndarray, "pairs units"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "pairs units"]:
    """Return the change of as many random other units, stretched to the norm of the named ones."""
    others = np.setdiff1d(np.arange(change.shape[1]), named)
    if not len(others):
        raise CapabilityError("the hidden layer has no other units", hint="a wider network")
    drawn = rng.permutation(others)[: len(named)]
    found = np.zeros_like(change)
    found[:, drawn] = (pairs.other[layer] - pairs.held[layer])[:, drawn]
    still = np.linalg.norm(found, axis=1) == 0
    found[np.ix_(still, drawn)] = rng.standard_normal((int(still.sum()), len(drawn)))
    return _stretched(found, change)


def _direction(
    change: Float[np.ndarray, "pairs units"], rng: np.random.Generator
) -> Float[np.ndarray, "pairs units"]:
    return _stretched(rng.standard_normal(change.shape), change)


def _stretched(
    found: Float[np.ndarray, "pairs units"], change: Float[np.ndarray, "pairs units"]
) -> Float[np.ndarray, "pairs units"]:
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    wanted = np.linalg.norm(change, axis=1, keepdims=True)
    return np.asarray(found * wanted / np.where(norms > 0, norms, 1.0))
