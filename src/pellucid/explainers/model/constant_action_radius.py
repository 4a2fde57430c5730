"""How far inputs may be off before the agent can choose otherwise, certified (leaf A2v)."""

from dataclasses import dataclass

import numpy as np
from gymnasium.spaces import Box, Discrete
from jaxtyping import Float, Int, Shaped

from pellucid.agents.acting import choose_actions
from pellucid.agents.dense import activation_name, dense_network
from pellucid.agents.flatten import flat
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, DataError
from pellucid.explanation import Certificates, Finding, Sentences, Task, explainer, fact
from pellucid.kernels.linear_bounds import Layer, certified_radii
from pellucid.seeds import stream

N_STATES, MIN_STATES = 200, 5
MOST_RADIUS = 10.0
"""Spreads at which is stopped: no state that was visited is that far off."""
MARGIN = 1e-4
"""Lead that must be left, relative to the largest output (at least 1): networks round in single
precision, and bounds must hold for what they compute."""
NORM = "largest change of an input, in spreads of the visited states"

_QUESTION = "How far may its inputs be off before it chooses otherwise?"


@dataclass(frozen=True)
class _Visited:
    """The states that are explained.

    Args:
        observations: Shape (states, *observation).
        places: Shape (states, 2), episode and step of each.
    """

    observations: Shaped[np.ndarray, "states *observation"]
    places: Int[np.ndarray, "states 2"]


@explainer(
    "constant-action-radius",
    leaf="A2v",
    kind=Certificates,
    decisive="certified_order",
    source="Zhang 2018 (CROWN), linear bounds; of the lead of an agent's choice, in spreads ours",
    question=_QUESTION,
    sentences=Sentences(
        supported="In {k} of {n_states} states its choice surely stays while every input is off by "
        "less than {x} spreads; larger radii go with choices that are harder to change "
        "(rank correlation {d}, {lo} to {hi}; shuffled radii {r}).",
        weak="In {k} of {n_states} states its choice stays while every input is off by less than "
        "{x} spreads; which ones are safest may be luck "
        "(rank correlation {d}, {lo} to {hi}; shuffled radii {r}).",
        thin="In {k} of {n_states} states its choice may stay while every input is off by less "
        "than {x} spreads (rank correlation {d}, {lo} to {hi}; shuffled radii {r}); but {reason}.",
        failed="We could not show which choices are safest: larger radii do not go with choices "
        "that are harder to change. Do not use them.",
        not_measured="Whether its choices survive errors of its inputs was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that a larger error changes the choice, or that the choice is a good one",
    ),
)
class ConstantActionRadius:
    """Certifies, per visited state, an error of all inputs within which the choice stays.

    The unit of an input is its standard deviation over the visited states; one that never varies is
    held. The network must be made of linear layers with ReLU or tanh, and choose among several
    actions. Its activations are enclosed between lines, which gives a lower bound of the lead of
    the choice over every other action anywhere in the box; the radius is the largest, by halving,
    at which that bound stays above what single precision may round away. It is a lower bound of the
    true one: what lies beyond is unknown.
    """

    def plan(self, task: Task) -> Cost:
        """Return one query per state; bounds cost none."""
        _layers(task)
        return Cost(queries=len(_visited(task).observations))

    def explain(self, task: Task) -> Finding:
        """Certify the choices in the visited states."""
        layers, visited = _layers(task), _visited(task)
        rows = flat(visited.observations)
        spread = flat(task.episodes.visited).std(axis=0)
        chosen = choose_actions(task.agent, visited.observations, "greedy", ()).astype(np.int64)
        space = task.agent.action_space
        assert isinstance(space, Discrete)
        chosen = chosen - int(space.start)
        outputs = _outputs(layers, rows)
        margin = MARGIN * max(1.0, float(np.abs(outputs).max()))
        radii = certified_radii(layers, rows, spread, chosen, margin=margin, most=MOST_RADIUS)
        names = task.episodes.names.actions
        typical = float(np.median(radii))
        rivals = _rivals(outputs, chosen)
        n = len(radii)
        content = Certificates(
            observations=rows,
            radii=radii,
            norm=NORM,
            about="inputs",
            actions=chosen + int(space.start),
            state_names=tuple(f"episode {e + 1}, step {t}" for e, t in visited.places),
            choices=tuple(names[a] for a in chosen),
            rivals=tuple(names[a] for a in rivals),
            scale=spread,
        )
        return Finding(
            question=_QUESTION,
            content=content,
            facts={
                "k": fact(int((radii >= typical).sum())),
                "x": fact(typical),
                "n_states": fact(n),
            },
            left_out=()
            if n == len(task.episodes.visited)
            else (
                f"{_QUESTION} {n} states are looked at, in place of {len(task.episodes.visited)}.",
            ),
        )


def _layers(task: Task) -> tuple[Layer, ...]:
    """Return the network, in double precision.

    Raises:
        CapabilityError: There is none that could be bounded, or the agent chooses numbers.
    """
    agent = task.agent
    if not isinstance(agent.action_space, Discrete):
        raise CapabilityError(
            f"{agent.name} chooses numbers, which any error of an input changes a little",
            hint="an agent with several actions; the explainer perturbation says which inputs "
            "move numbers most",
        )
    if agent.capabilities & {"masks", "recurrent"}:
        raise CapabilityError(
            f"the choices of {agent.name} depend on more than its inputs: on a mask or a memory",
            hint="an agent without either; the explainer perturbation tries changes, without "
            "certificate",
        )
    network = dense_network(agent)
    if network is None or not isinstance(agent.observation_space, Box):
        raise CapabilityError(
            f"{agent.name} shows no fully connected network that could be bounded",
            hint="a torch or Stable-Baselines3 agent of linear layers with ReLU or tanh on "
            "numbers; the explainer perturbation tries changes of any agent, without certificate",
        )
    return tuple(
        Layer(
            layer.weight.astype(np.float64),
            layer.bias.astype(np.float64),
            activation_name(layer),  # type: ignore[arg-type]
        )
        for layer in network.layers
    )


def _outputs(
    layers: tuple[Layer, ...], rows: Float[np.ndarray, "states inputs"]
) -> Float[np.ndarray, "states outputs"]:
    units = rows
    for layer in layers:
        units = units @ layer.weight + layer.bias
        if layer.activation == "relu":
            units = np.maximum(units, 0.0)
        elif layer.activation == "tanh":
            units = np.tanh(units)
    return units


def _rivals(
    outputs: Float[np.ndarray, "states outputs"], chosen: Int[np.ndarray, " states"]
) -> Int[np.ndarray, " states"]:
    others = outputs.copy()
    others[np.arange(len(others)), chosen] = -np.inf
    return np.asarray(others.argmax(axis=1))


def _visited(task: Task) -> _Visited:
    """Return visited states, drawn without order if there are more than wanted."""
    places = task.episodes.visited_steps
    if not len(places):
        raise DataError("there are no visited states to explain", hint="collect episodes first")
    most = min(N_STATES, task.meter.left.queries)
    if most < min(MIN_STATES, len(places)):
        raise BudgetError(
            f"certificates need at least {MIN_STATES} agent queries; {most} are left",
            hint=f"a larger budget: at least {MIN_STATES} queries for this method",
        )
    visited = task.episodes.visited
    if len(places) <= most:
        return _Visited(visited, places)
    rng = stream(task.seed, "constant-action-radius", "states")
    picked = np.sort(rng.choice(len(places), size=most, replace=False))
    return _Visited(visited[picked], places[picked])
