"""Integrated gradients with visited states as baselines (leaf C2)."""

from dataclasses import replace
from typing import cast

import numpy as np
import torch
from jaxtyping import Bool, Float

from pellucid.agents.acting import preference_unit
from pellucid.budget import Cost
from pellucid.errors import CapabilityError
from pellucid.explainers.state.input_sentences import CLOSED, LOGGED, QUESTION
from pellucid.explainers.state.pairs import Pairs, attributed, planned_pairs
from pellucid.explanation import Attribution, Finding, InputGroups, Task, explainer
from pellucid.explanation.groups import group_sums, image_layout
from pellucid.explanation.players import GROUPS, players_of
from pellucid.kernels.integrated_gradients import GradientFn, integrated_gradients
from pellucid.types import Agent, HasGradients, Observations

POINTS = (8, 32, 128, 512)
"""Points on a path: more on those where fewer miss what the outputs at its two ends differ by, if
the mean misses the tolerance and the budget pays for them."""
MOST_NUMBERS = 16_000_000
"""Numbers that the gradients of one batch hold at most."""
TOLERANCE = 0.01
"""Error of the sum, relative to the largest output, at which the identity holds; in the mean over
background rows, where kinks of single paths cancel."""


@explainer(
    "integrated-gradients",
    leaf="C2",
    kind=Attribution,
    decisive=("masked_return", "deletion"),
    source="Sundararajan 2017, eq. (1); baselines drawn as in Erion 2021, eq. (3)",
    question=QUESTION,
    sentences=CLOSED,
    logged_sentences=LOGGED,
    axioms=("null_player",),
    options=GROUPS,
)
class IntegratedGradients:
    """The gradient of each output along the paths to a state from other visited states.

    An input gets its distance from the background row times the mean gradient on the straight path
    between them, averaged over background rows. These are drawn from visited states, never zeros.
    Paths on which an output rises steeply get more points. Values add up to f(x) - mean f(b) up to
    the error of the integral, which is reported and must be below 1 % of the largest output.
    Queries are rows of forward passes; each is followed by one backward pass per output.

    Values of the numbers in a group, such as a patch of an image, are added up. Where an image is
    made of integers the path between two of them is not: the agent's torch function is asked on
    real numbers, and the sum, which ends at what the agent answers to the integers, shows that both
    are one function. Other integers are names or counts, between which there is no path.
    """

    def plan(self, task: Task) -> Cost:
        """Return what the coarse integral costs.

        Raises:
            CapabilityError: The agent shows no gradients.
        """
        return Cost(queries=_pairs(task, POINTS[0]).cost)

    def explain(self, task: Task) -> Finding:
        """Integrate gradients along the paths to visited states."""
        pairs = _pairs(task, POINTS[0])
        asking = pairs.asking(task)
        outputs = asking.of_states(pairs.states)
        answers = asking.of_background(pairs.background)
        baseline = answers.mean(axis=-2)
        scale = max(1.0, float(np.abs(outputs).max()), float(np.abs(baseline).max()))
        paths = np.ones((len(pairs.states), len(pairs.background)), dtype=bool)
        values = _integrated(task, pairs, paths, POINTS[0], outputs.shape[1])
        for n_points in POINTS[1:]:
            missing = values.sum(axis=2) - (outputs[:, None] - answers)
            if np.abs(missing.mean(axis=1)).max() <= TOLERANCE * scale:
                break
            n_most = int(task.meter.left.queries // n_points)
            paths = _steepest(np.abs(missing).max(axis=2), TOLERANCE * scale, n_most)
            values[paths] = _integrated(task, pairs, paths, n_points, outputs.shape[1])[paths]
        finding = attributed(
            task,
            pairs,
            QUESTION,
            values=values,
            outputs=outputs,
            baseline=baseline,
            output_unit=preference_unit(task.agent),
        )
        assert isinstance(finding.content, Attribution)
        # not of the whole action, which is made of the outputs
        sums = finding.content.values.sum(axis=1)[:, : outputs.shape[1]]
        error = float(np.abs(sums - (outputs - baseline)).max()) / scale
        return replace(finding, identity_error=error, identity_tolerance=TOLERANCE)


def _pairs(task: Task, n_points: int) -> Pairs:
    if "gradients" not in task.agent.capabilities:
        raise CapabilityError(
            f"{task.agent.name} shows no gradients",
            hint="use shapley or perturbation, which need its actions only",
        )
    groups = players_of(task)
    visited = task.episodes.visited
    if visited.dtype.kind != "f" and image_layout(visited.shape[1:]) is None:
        raise CapabilityError(
            f"its inputs are {task.episodes.visited.dtype} numbers, between which there is no path",
            hint="use shapley or perturbation",
        )
    return planned_pairs(task, "integrated-gradients", QUESTION, groups=groups, per_pair=n_points)


def _steepest(
    missing: Float[np.ndarray, "states background"], least: float, n_most: int
) -> Bool[np.ndarray, "states background"]:
    """Return the paths that miss more than `least`, those that miss most if they are too many."""
    order = np.argsort(-missing, axis=None, kind="stable")[:n_most]
    chosen = np.zeros(missing.size, dtype=bool)
    chosen[order] = True
    return chosen.reshape(missing.shape) & (missing > least)


def _integrated(
    task: Task,
    pairs: Pairs,
    paths: Bool[np.ndarray, "states background"],
    n_points: int,
    n_outputs: int,
) -> Float[np.ndarray, "states background groups outputs"]:
    """Return what each group gets on some of the paths; the others are zero."""
    asking = pairs.asking(task)
    states = pairs.states.reshape(len(pairs.states), -1).astype(np.float64)
    background = pairs.background.reshape(len(pairs.background), -1).astype(np.float64)
    # gradients of images are large: a few background rows at a time
    at_once = max(1, MOST_NUMBERS // (states.shape[1] * n_points * n_outputs))
    values = np.zeros((*paths.shape, len(pairs.groups), n_outputs))
    for number, state in enumerate(states):
        gradient = _gradient(asking.agent_at(number), pairs.states.shape[1:])
        rows = np.flatnonzero(paths[number])
        here = pairs.states[number : number + 1]
        for start in range(0, len(rows), at_once):
            some = rows[start : start + at_once]
            part = integrated_gradients(gradient, state, background[some], n_points)
            values[number, some] = _by_group(part, pairs.groups, here)
        task.progress((number + 1) / len(states))
    return values


def _by_group(
    values: Float[np.ndarray, "background inputs outputs"],
    groups: InputGroups,
    states: Observations,
) -> Float[np.ndarray, "background groups outputs"]:
    """Return the sum of each group."""
    if groups.are_inputs:
        return values
    n_rows, n_inputs, n_outputs = values.shape
    rows = values.transpose(0, 2, 1).reshape(-1, n_inputs)
    labels = np.broadcast_to(groups.of(states)[0], rows.shape)
    sums = group_sums(rows, labels, len(groups))
    return sums.reshape(n_rows, n_outputs, len(groups)).transpose(0, 2, 1)


def _gradient(asked: Agent, shape: tuple[int, ...]) -> GradientFn:
    agent = cast(HasGradients, asked)

    def gradient(
        rows: Float[np.ndarray, "rows inputs"],
    ) -> Float[np.ndarray, "rows inputs outputs"]:
        inputs = torch.as_tensor(rows.reshape(-1, *shape)).requires_grad_()
        answers = agent.torch_preferences(inputs)
        slopes = [
            torch.autograd.grad(answers[:, k].sum(), inputs, retain_graph=True)[0]
            for k in range(answers.shape[1])
        ]
        return torch.stack(slopes, dim=-1).reshape(*rows.shape, -1).double().cpu().numpy()

    return gradient
