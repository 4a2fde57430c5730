"""Temporal reward decomposition: when the reward of an agent arrives (leaf B1q)."""

import math

import numpy as np
from jaxtyping import Int

from pellucid.agents.flatten import n_inputs
from pellucid.budget import Cost
from pellucid.errors import DataError, InputError
from pellucid.explainers.reward.fitting import fit_parts, spread
from pellucid.explanation import Components, Finding, Sentences, Task, explainer, fact
from pellucid.explanation.options import whole_number
from pellucid.kernels.returns import TERMS_TOLERANCE, discounted_returns
from pellucid.kernels.reward_parts import span_returns

DISCOUNT = 1.0
N_STATES = 20
N_SPANS, MOST_SPANS = 5, 20

_QUESTION = "When does what it earns arrive?"


@explainer(
    "reward-when",
    leaf="B1q",
    kind=Components,
    decisive="component_level",
    source="Towers 2024 (temporal reward decomposition), fitted to a fixed agent",
    question=_QUESTION,
    sentences=Sentences(
        supported="Of {x} {unit} it earns from a state on, {y} arrive within {k} {steps}; the "
        "largest part arrives {span}. Fresh futures miss the told parts by {d} ({lo} to {hi}), "
        "permuted ones by {r}.",
        weak="The largest part of what it earns may arrive {span}; but fresh futures miss the told "
        "parts by {d} ({lo} to {hi}), not clearly less than permuted ones ({r}).",
        thin="The largest part of what it earns may arrive {span}; fresh futures miss the told "
        "parts by {d} ({lo} to {hi}), permuted ones by {r}; but {reason}.",
        failed="When its reward arrives could not be shown: told parts miss those of fresh futures "
        "by {d}, and permuted ones do no worse ({r}).",
        not_measured="When its reward arrives was not tested: {reason}. To test it: {need}.",
        does_not_say="which action brings the reward",
    ),
    targets=("return",),
    options={
        "spans": f"spans of time, from 2 to {MOST_SPANS}, the last without an end ({N_SPANS})",
        "width": "steps of each span (an even share of a typical episode)",
    },
)
class RewardWhen:
    """What of the return from a state on arrives in each span of time, in some visited states.

    Fitted to what followed in the recorded episodes, span by span and for the return itself with
    the same smoothing: parts add up to the whole, which is the method's identity. Not discounted;
    the last span has no end. Deviation from Towers 2024: there a trained agent's network gets a
    head per step; here nothing of the agent is asked but what it did, so that any agent fits.
    """

    def plan(self, task: Task) -> Cost:
        """Return nothing: recorded episodes are all that is used.

        Raises:
            CapabilityError: Observations are not one array of numbers.
            DataError: There are no episodes.
            InputError: An option is out of range.
        """
        n_inputs(task.agent.observation_space)
        if not len(task.episodes) or not len(task.episodes.visited):
            raise DataError(
                "there is no finished episode to explain", hint="collect episodes first"
            )
        _spans(task)
        return Cost()

    def explain(self, task: Task) -> Finding:
        """Fit what follows, span by span."""
        self.plan(task)
        since = _spans(task)
        fitted = fit_parts(
            task.episodes,
            lambda episode: np.column_stack(
                (
                    span_returns(episode.rewards, since, DISCOUNT),
                    discounted_returns(episode.rewards, DISCOUNT),
                )
            ),
        )
        chosen = spread(len(task.episodes.visited), N_STATES)
        steps = task.episodes.visited_steps[chosen]
        values = fitted(task.episodes.visited[chosen], steps[:, 1])
        parts, whole = values[:, :-1], values[:, -1]
        names = _names(since)
        error = float(np.abs(parts.sum(axis=1) - whole).max())
        scale = float(np.abs(values).max())
        mean = parts.mean(axis=0)
        return Finding(
            question=_QUESTION,
            content=Components(
                values=parts[:, None, :],
                whole=whole[:, None],
                component_names=names,
                output_names=("return",),
                episodes=steps[:, 0],
                steps=steps,
                discount=DISCOUNT,
                since=since,
            ),
            facts={
                "x": fact(float(whole.mean())),
                "y": fact(float(mean[0])),
                "k": fact(int(since[1])),
                "steps": fact("step" if since[1] == 1 else "steps"),
                "span": fact(names[int(np.abs(mean).argmax())]),
                "e": fact(error),
            },
            identity_error=error / scale if scale else error,
            identity_tolerance=TERMS_TOLERANCE,
        )


def _spans(task: Task) -> Int[np.ndarray, " spans"]:
    """Return the steps after which each span begins.

    Raises:
        InputError: There are too few or too many, or a span is shorter than a step.
    """
    n_spans = whole_number(task, "spans")
    n_spans = N_SPANS if n_spans is None else n_spans
    if not 2 <= n_spans <= MOST_SPANS:
        raise InputError(f"the option spans must be from 2 to {MOST_SPANS}, got {n_spans}")
    width = whole_number(task, "width")
    if width is None:
        typical = float(np.median([len(episode) for episode in task.episodes.used]))
        width = max(1, math.ceil(typical / n_spans))
    if width < 1:
        raise InputError(f"a span has at least 1 step, got width {width}")
    return np.arange(n_spans, dtype=np.int64) * width


def _names(since: Int[np.ndarray, " spans"]) -> tuple[str, ...]:
    """Return the spans in words, the next step being step 1."""
    bounds = zip((since[:-1] + 1).tolist(), since[1:].tolist(), strict=True)
    spans = [f"in step {a}" if a == b else f"in steps {a} to {b}" for a, b in bounds]
    return (*spans, f"after step {int(since[-1])}")
