"""Causal chains: from what an action moves to the reward, along a graph that is learned (A2c)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Float, Int

from pellucid.agents.acting import choose_actions, preferences
from pellucid.agents.context import in_context
from pellucid.agents.flatten import flat, n_inputs, unflat
from pellucid.budget import Cost
from pellucid.errors import CapabilityError, DataError, InputError
from pellucid.explainers.model.causal_data import Learned, learn, planned_exploring
from pellucid.explanation import Fact, Finding, Graph, Sentences, Task, explainer, fact
from pellucid.explanation.foils import checked_foil
from pellucid.explanation.options import EPISODE, STEP, chosen_episode, chosen_step, whole_number
from pellucid.explanation.wording import show
from pellucid.kernels.action_influence import strongest_chain
from pellucid.seeds import stream

HORIZON, MOST_STEPS = 10, 1000
N_CANDIDATES = 100
MOST_INPUTS = 32

_QUESTION = "What does this action move, and how does that reach the reward?"
_MOVES = "{b} in place of {a} moves {x} by {v} in a step, which drives {y}{path}"
_MAY = "{b} in place of {a} may move {x} by {v} in a step, and so {y}{path}"
_MISS = "the graph misses fresh changes by {d} of their variance ({lo} to {hi})"


@dataclass(frozen=True)
class _Asked:
    """One state with the agent's own action there and the other one, both from 0."""

    episode: int
    step: int
    own: int
    foil: int
    chain: tuple[int, ...]


@explainer(
    "causal-chains",
    leaf="A2c",
    kind=Graph,
    decisive="chain_prediction",
    source="Madumal 2020 (action influence models), with a graph that is learned",
    question=_QUESTION,
    sentences=Sentences(
        supported=f"{_MOVES}. Simulated for {{k}} steps, {{y}} comes out {{w}}. Along this chain "
        f"{_MISS}, as many random edges by {{r}}.",
        weak=f"{_MAY}; but {_MISS}, which is not clearly less than random edges ({{r}}).",
        thin=f"{_MAY}. Along this chain {_MISS}, as many random edges by {{r}}; but {{reason}}.",
        failed="How {a} reaches {y} could not be shown: the graph misses fresh changes by {d} of "
        "their variance, and as many random edges miss no more ({r}).",
        not_measured="How an action reaches the reward was not tested: {reason}. To test it: "
        "{need}.",
        does_not_say="that nothing unseen moves both ends of an edge, or that the agent reckons so",
    ),
    options={
        **EPISODE,
        **STEP,
        "foil": "the other action, in the form that the action space has",
        "horizon": f"steps that are simulated, up to {MOST_STEPS} ({HORIZON})",
    },
)
class CausalChains:
    """Learns what each action makes of each input, and follows the strongest chain to the reward.

    The graph and its equations come from recorded steps, and from fresh episodes in which the agent
    acts at random in a third of the steps, so that actions are not merely what the state makes them
    (`kernels.action_influence`). An edge is there if leaving it out of its equation makes it worse,
    given all other inputs. The chain starts at an input that the action moves otherwise than the
    other action would, and has the largest product of effects; all links are told, of which the
    head and the last input are those of the paper's minimally complete explanation. Both actions
    are simulated for one step, the agent acting on what is simulated afterwards.

    Deviations from Madumal 2020: the graph is learned, not given; edges have effects with
    intervals; equations enter the explanation. Terms of the reward are sinks if there are any;
    where a reward never varies, the end of the episode is. Without an environment every third
    episode is kept for the test. Equations are piecewise linear in each input, without products.
    """

    def plan(self, task: Task) -> Cost:
        """Return what exploring and simulating are expected to take.

        Raises:
            CapabilityError: Actions are not discrete, observations not a few numbers, or the
                agent's answers depend on more than what is simulated.
            DataError: There is no episode.
            InputError: An option is out of range.
        """
        position = _checked(task)
        n_steps = min(len(task.episodes[position]), N_CANDIDATES)
        exploring = planned_exploring(task)
        return exploring + Cost(queries=n_steps + 2 * _horizon(task))

    def explain(self, task: Task) -> Finding:
        """Learn the graph, find the chain of one state and simulate both actions."""
        position = _checked(task)
        horizon = _horizon(task)
        learned = learn(task)
        asked = _asked(task, position, learned)
        states, gains = _simulated(task, asked, learned, horizon)
        content = _content(task, asked, learned, states, gains, horizon)
        return Finding(
            question=f"Why {content.arms[0]}, not {content.arms[1]}, at step {asked.step} "
            f"of episode {task.episodes[position].index}: what does it move?",
            content=content,
            facts=_facts(task, asked, learned, content),
            complete=learned.complete,
            warnings=learned.warnings,
            left_out=learned.left_out,
        )


# --- planning ---


def _checked(task: Task) -> int:
    space = task.agent.action_space
    if not isinstance(space, Discrete) or space.n < 2:
        raise CapabilityError(
            f"a graph per action needs two or more discrete actions, and there is {space}",
            hint="use why-not, which compares the futures of two actions of any kind",
        )
    if {"masks", "recurrent"} & task.agent.capabilities:
        raise CapabilityError(
            f"{task.agent.name} depends on more than the observation, which cannot be simulated",
            hint="use why-not, which runs the environment",
        )
    found = n_inputs(task.agent.observation_space)
    if found > MOST_INPUTS:
        raise CapabilityError(
            f"a graph of {found} inputs could not be read; up to {MOST_INPUTS} are learned",
            hint="use why-not, which compares the futures of two actions whatever is observed",
        )
    return chosen_episode(task)


def _horizon(task: Task) -> int:
    horizon = whole_number(task, "horizon")
    horizon = HORIZON if horizon is None else horizon
    if not 1 <= horizon <= MOST_STEPS:
        raise InputError(f"the option horizon must be from 1 to {MOST_STEPS}, got {horizon}")
    return horizon


# --- the state that is told of ---


def _asked(task: Task, position: int, learned: Learned) -> _Asked:
    """Return the state asked for, or the one whose chain is strongest.

    Raises:
        DataError: No chain leads from an action that is known to the reward.
    """
    steps = _candidates(task, position)
    episode = task.episodes[position]
    own = episode.actions[steps].astype(np.int64) - int(task.agent.action_space.start)
    foils = _foils(task, position, steps, own, learned)
    usable = np.flatnonzero(learned.parents.known[own] & (foils >= 0))
    rows = flat(episode.observations[steps])
    moved = np.abs(learned.model.changes(rows, own) - learned.model.changes(rows, foils))
    heads = np.divide(moved, learned.spread, out=np.zeros_like(moved), where=learned.spread > 0)
    best, found = 0.0, None
    for row in usable:
        chain = strongest_chain(heads[row], learned.links, learned.sinks)
        strength = _strength(chain, heads[row], learned)
        if strength > best:
            best = strength
            found = _Asked(position, int(steps[row]), int(own[row]), int(foils[row]), chain)
    if found is None:
        raise DataError(
            "no chain of learned causes leads from what these actions move to the reward",
            hint="more episodes, or a reward split into its terms",
        )
    return found


def _candidates(task: Task, position: int) -> Int[np.ndarray, " steps"]:
    step = chosen_step(task, position)
    if step is not None:
        return np.array([step])
    n_steps = len(task.episodes[position])
    if not n_steps:
        raise DataError("this episode has no step", hint="another episode")
    return np.unique(np.linspace(0, n_steps - 1, min(n_steps, N_CANDIDATES)).round().astype(int))


def _foils(
    task: Task,
    position: int,
    steps: Int[np.ndarray, " steps"],
    own: Int[np.ndarray, " steps"],
    learned: Learned,
) -> Int[np.ndarray, " steps"]:
    """Return the foil asked for, or the likeliest other known action; -1 where there is none."""
    space, known = task.agent.action_space, learned.parents.known
    if task.options.get("foil") is not None:
        foil = int(checked_foil(space, task.options["foil"])) - int(space.start)
        if not known[foil]:
            name = task.episodes.names.actions[foil]
            raise DataError(f"{name} was taken too rarely to learn from", hint="another foil")
        return np.where(own == foil, -1, foil)
    agent = in_context(task.agent, task.episodes.context_at(_places(position, steps)))
    scores = preferences(agent, task.episodes[position].observations[steps]).copy()
    scores[:, ~known] = -np.inf
    scores[np.arange(len(steps)), own] = -np.inf
    return np.where(np.isfinite(scores).any(axis=1), scores.argmax(axis=1), -1)


def _places(position: int, steps: Int[np.ndarray, " steps"]) -> Int[np.ndarray, "steps 2"]:
    return np.column_stack((np.full(len(steps), position), steps)).astype(np.int64)


def _strength(chain: Sequence[int], heads: Float[np.ndarray, " inputs"], learned: Learned) -> float:
    if not chain:
        return 0.0
    *inputs, sink = chain
    between = [learned.links[pair] for pair in pairwise(inputs)]
    last = learned.sinks[inputs[-1], sink - len(heads)]
    return float(heads[inputs[0]] * np.prod(between) * last)


# --- simulating ---


def _simulated(
    task: Task, asked: _Asked, learned: Learned, horizon: int
) -> tuple[Float[np.ndarray, "2 inputs"], Float[np.ndarray, "2 sinks"]]:
    """Return inputs after both actions and what they gained, by the equations.

    Inputs stay within what was seen: beyond it a line goes on for ever.
    """
    observation = task.episodes[asked.episode].observations[asked.step]
    states = np.repeat(flat(observation[None]), 2, axis=0)
    actions = np.array([asked.own, asked.foil])
    space = task.agent.action_space
    rngs = [stream(task.seed, "causal-chains", "simulated") for _ in range(2)]
    gains = np.zeros((2, learned.model.sinks.shape[1]))
    for step in range(horizon):
        if step:
            seen = unflat(states, task.agent.observation_space)
            chosen = choose_actions(task.agent, seen, task.policy, rngs)
            actions = chosen.astype(np.int64) - int(space.start)
        moved = states + learned.model.changes(states, actions)
        after = np.clip(moved, learned.lowest, learned.highest)
        gains += learned.model.rewards(states, actions, after)
        states = after
    return states, gains


# --- telling ---


def _content(
    task: Task,
    asked: _Asked,
    learned: Learned,
    states: Float[np.ndarray, "2 inputs"],
    gains: Float[np.ndarray, "2 sinks"],
    horizon: int,
) -> Graph:
    names = task.episodes.names
    values, lows, highs = learned.edges()
    *inputs, sink = asked.chain
    n = len(names.inputs)
    return Graph(
        node_names=(*names.inputs, *learned.sink_names),
        occupancy=np.full(values.shape[1], np.nan),
        transitions=np.tensordot(learned.shares, np.abs(values), 1),
        form="causes",
        action_names=names.actions,
        effects=values,
        effect_lows=lows,
        effect_highs=highs,
        chain=np.array(asked.chain, dtype=np.int64),
        arms=(names.actions[asked.own], names.actions[asked.foil]),
        outcomes=states[:, inputs],
        gains=gains[:, sink - n],
        n_simulated=horizon,
        state=np.array([asked.episode, asked.step], dtype=np.int64),
        learned_from=learned.positions,
    )


def _facts(task: Task, asked: _Asked, learned: Learned, content: Graph) -> dict[str, Fact]:
    head = int(content.chain[0])
    row = flat(task.episodes[asked.episode].observations[asked.step][None])
    both = learned.model.changes(np.repeat(row, 2, axis=0), np.array([asked.own, asked.foil]))
    moved = float(both[1, head] - both[0, head])
    unit = task.episodes.names.input_units[head]
    times = "× " if unit[:1].isdigit() else ""  # a unit that is a multiple, such as 7.5 units/s
    path = [content.node_names[i] for i in content.chain[1:-1]]
    gained = float(content.gains[1] - content.gains[0])
    return {
        "a": fact(content.arms[0]),
        "b": fact(content.arms[1]),
        "x": fact(content.node_names[head]),
        "v": fact(f"{show(moved)} {times}{unit}".rstrip()),
        "y": fact(content.node_names[int(content.chain[-1])]),
        "path": fact(f" through {', then '.join(path)}" if path else ""),
        "w": fact(f"{show(abs(gained))} {'lower' if gained < 0 else 'higher'}"),
        "k": fact(content.n_simulated),
        "edges": fact(int((content.effects != 0).any(axis=0).sum())),
    }
