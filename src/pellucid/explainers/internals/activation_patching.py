"""Activation patching: which hidden units carry the difference between two choices (leaf F2)."""

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.acting import preferences
from pellucid.agents.flatten import n_inputs
from pellucid.agents.hidden_layers import hidden_layers
from pellucid.budget import Cost
from pellucid.errors import BudgetError, DataError
from pellucid.explanation import Contributions, Finding, Sentences, Task, explainer, fact
from pellucid.explanation.options import EPISODE, STEP, chosen_episode, chosen_step
from pellucid.rollouts.clones import observations_at
from pellucid.rollouts.counterparts import cost_of_counterparts, counterparts, share_moved
from pellucid.rollouts.episodes import Episodes
from pellucid.rollouts.logs import evenly

N_PAIRS, FEWEST_PAIRS = 20, 5
MOST_PARTS = 64
"""Parts of a hidden layer that are patched one by one; a larger layer is cut into that many."""

_QUESTION = "Which hidden units carry its choice?"


@explainer(
    "activation-patching",
    leaf="F2",
    kind=Contributions,
    decisive="patch_effect",
    source="Vig 2020 (causal mediation), by patches between recorded states",
    question=_QUESTION,
    sentences=Sentences(
        supported="**{x}** carries its choice: put in from a state of another choice, it moves "
        "preferences {y} % of the way. The units named move others {d} % ({lo} to {hi}); random "
        "ones, as far, {r} %.",
        weak="**{x}** may carry its choice. From a state of another choice, the units named move "
        "preferences {d} % of the way ({lo} to {hi}), not clearly more than random ones ({r} %).",
        thin="**{x}** may carry its choice. From a state of another choice, the units named move "
        "preferences {d} % of the way ({lo} to {hi}), random ones {r} %; but {reason}.",
        failed="Which hidden units carry its choice could not be shown: those named move its "
        "preferences no more than random ones.",
        not_measured="Which hidden units carry its choice was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="what a unit stands for, or that it does the same in other states",
    ),
    needs=("layers",),
    options={**EPISODE, **STEP},
    on_record=True,
)
class ActivationPatching:
    """Puts hidden units of a state with another choice into a run, one by one.

    Each pair is a recorded state and the nearest recorded one in which the agent chooses otherwise,
    one pair per episode for up to 20 episodes; the first is the state asked for (options `episode`
    and `step`) if one is. A unit's value is how far the preferences in the first state move toward
    those in the second once the unit holds what it held there, in percent of the way, the mean over
    pairs with their standard error. The whole layer would move them all the way, 100 %; effects of
    units need not add up to that. Layers of more than 64 units are patched in 64 parts.

    Deviation from Vig 2020: preferences of an agent in place of the odds of words, and pairs of
    recorded states in place of edited prompts.
    """

    def plan(self, task: Task) -> Cost:
        """Return what finding pairs, reading them and patching every part costs at most.

        Raises:
            BudgetError: It does not pay for five pairs, or for all if there are fewer.
            CapabilityError: The agent shows no hidden layers.
            DataError: There are no visited states.
        """
        layers = hidden_layers(task.agent)
        n_inputs(task.agent.observation_space)
        if not len(task.episodes) or not len(task.episodes.visited):
            raise DataError("there are no visited states to explain", hint="collect episodes first")
        each = 4 + len(layers) * MOST_PARTS
        fixed = cost_of_counterparts(task.episodes, 0)
        wanted = min(N_PAIRS, len(task.episodes))
        n_pairs = min(wanted, (task.meter.left.queries - fixed) // (each + 1))
        least = min(FEWEST_PAIRS, wanted)
        if n_pairs < least:
            need = fixed + least * (each + 1)
            raise BudgetError(
                f"patching {least} pairs of states takes up to {need} agent queries; "
                f"{task.meter.left.queries} are left",
                hint=f"a larger budget: at least {need} queries for this method",
            )
        return Cost(queries=fixed + n_pairs * (each + 1))

    def explain(self, task: Task) -> Finding:
        """Patch every part of every hidden layer, in every pair."""
        each = 5 + len(hidden_layers(task.agent)) * MOST_PARTS
        paid = self.plan(task).queries - cost_of_counterparts(task.episodes, 0)
        moments = moments_to_patch(task.episodes, _asked(task), paid // each)
        others = counterparts(task.agent, task.episodes, moments)
        kept = others[:, 0] >= 0
        moments, others = moments[kept], others[kept]
        units, effects = _effects(task, moments, others)
        content = _content(units, effects, moments)
        top = int(np.argmax(content.values))
        return Finding(
            question=_QUESTION,
            content=content,
            facts={
                "x": fact(content.names[top]),
                "y": fact(float(content.values[top])),
                "n_pairs": fact(len(moments)),
                "n_units": fact(len(units)),
            },
        )


def moments_to_patch(
    episodes: Episodes, asked: tuple[int, int | None], n_pairs: int
) -> Int[np.ndarray, "moments 2"]:
    """Return one moment of each of some episodes: the one asked for, and the middle of others.

    Args:
        episodes: Recorded ones.
        asked: Position of an episode and a step of it, None for its middle.
        n_pairs: How many at most.
    """
    position, step = asked
    found = {position: len(episodes[position]) // 2 if step is None else step}
    for other in evenly(len(episodes), n_pairs):
        if len(found) < n_pairs and len(episodes[other]):
            found.setdefault(other, len(episodes[other]) // 2)
    return np.array(sorted(found.items()), dtype=np.int64)


def _asked(task: Task) -> tuple[int, int | None]:
    position = chosen_episode(task)
    return position, chosen_step(task, position)


def _effects(
    task: Task, moments: Int[np.ndarray, "pairs 2"], others: Int[np.ndarray, "pairs 2"]
) -> tuple[Int[np.ndarray, "parts 3"], Float[np.ndarray, "pairs parts"]]:
    """Return the parts of all hidden layers, and how far each moves preferences in each pair."""
    layers = hidden_layers(task.agent)
    here, there = (observations_at(task.episodes, steps) for steps in (moments, others))
    before, target = (preferences(task.agent, seen) for seen in (here, there))
    held, other = layers.activations(here), layers.activations(there)
    parts: list[tuple[int, int, int]] = []
    effects: list[np.ndarray] = []
    for layer, (own, given) in enumerate(zip(held, other, strict=True)):
        for start, stop in _parts(own.shape[1]):
            values = own.copy()
            values[:, start:stop] = given[:, start:stop]
            after = layers.patched(here, layer, values)
            parts.append((layer, start, stop))
            effects.append(share_moved(before, after, target))
        task.progress((layer + 1) / len(held))
    return np.array(parts, dtype=np.int64), np.stack(effects, axis=1)


def _parts(n_units: int) -> list[tuple[int, int]]:
    edges = np.unique(np.linspace(0, n_units, min(n_units, MOST_PARTS) + 1).round()).astype(int)
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def _content(
    units: Int[np.ndarray, "parts 3"],
    effects: Float[np.ndarray, "pairs parts"],
    moments: Int[np.ndarray, "pairs 2"],
) -> Contributions:
    n = len(effects)
    errors = effects.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(units), np.nan)
    return Contributions(
        names=tuple(_name(*row) for row in units.tolist()),
        values=effects.mean(axis=0),
        standard_errors=errors,
        total=100.0,
        unit="% of the way to the other choice",
        moments=moments,
        by_moment=effects,
        units=units,
    )


def _name(layer: int, start: int, stop: int) -> str:
    which = f"unit {start}" if stop - start == 1 else f"units {start} to {stop - 1}"
    return f"{which} of hidden layer {layer + 1}"
