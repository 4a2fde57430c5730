"""Small stand-ins for the shipped LunarLander agent and for a CartPole rule, beside VIPER.

The unit of work is one stand-in, from an agent to the program that is kept, its choice among sizes
included. The error is the return that it loses in fresh episodes, the same for both, in points. A
case names the leaves of both. The peer is VIPER written plainly: one environment, one state at a
time, scikit-learn's tree, the best of ten rounds. Evaluations are states that the agent was asked
about.

A leaf of `linear-model-tree` holds a weighted sum per action and a node of `oblique-tree` adds up
at most three inputs, so that fewer leaves are not always fewer numbers.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from pellucid.agents import load_agent
from pellucid.agents.program import ProgramAgent
from pellucid.api.collecting import collect
from pellucid.api.explaining import explain
from pellucid.api.locating import SHIPPED
from pellucid.bench.harness import NoteFn, Row, Scale
from pellucid.bench.sequential_viper import ViperSettings, sequential_viper
from pellucid.budget import Cost, Meter
from pellucid.envs.resolve import make_env
from pellucid.errors import PellucidError
from pellucid.explanation import Surrogate
from pellucid.explanation.programs import program_of
from pellucid.provenance import package_version
from pellucid.rollouts import Episodes
from pellucid.rollouts.stand_ins import RandomAgent, collect_stand_in
from pellucid.seeds import derived_seed, episode_seeds
from pellucid.stats import mean_interval
from pellucid.types import Actions, Agent, Observations

SUITE = "trees"
METHODS = ("viper-tree", "oblique-tree", "optimal-tree", "linear-model-tree")
SEEDS = {Scale.smoke: (0,), Scale.full: (0, 1, 2)}
N_TESTS = {Scale.smoke: 5, Scale.full: 50}
"""Fresh episodes in which both stand-ins are judged."""
FASTER, FEWER = 10.0, 2.0
EQUAL_SHARE = 0.05
"""Share of the agent's return above random actions within which two returns count as equal."""
GOAL = (
    f"VIPER's return (within {100 * EQUAL_SHARE:.0f} % of the agent's above random actions), with "
    f"at most half the leaves or in a {FASTER:.0f}th of the time"
)


@dataclass(frozen=True)
class _Case:
    """An agent that is to be stood in for.

    Args:
        name: Of the case.
        env: Gymnasium id.
        agent: The agent.
        max_leaves: That VIPER's trees may have.
    """

    name: str
    env: str
    agent: Agent
    max_leaves: int


@dataclass(frozen=True)
class _StandIn:
    """What one way came to on one seed."""

    seconds: float
    n_parts: int
    n_queries: int
    returns: Float[np.ndarray, " episodes"]


def run(scale: Scale, note: NoteFn) -> tuple[Row, ...]:
    """Let every method and VIPER make stand-ins from the same seeds, in turn, on one thread.

    Args:
        scale: `full` is three seeds and 50 fresh episodes each.
        note: Told what is being made.
    """
    rows: list[Row] = []
    for case in _cases(scale):
        peers, ours = _made(case, scale, note)
        level = _level(case, scale)
        rows += [_row(case, method, found, peers, level, scale) for method, found in ours.items()]
    return tuple(rows)


def _cases(scale: Scale) -> list[_Case]:
    cart = _Case("CartPole", "CartPole-v1", load_agent(lean_soon, env="CartPole-v1"), 16)
    if scale is Scale.smoke:
        return [cart]
    lander = load_agent(SHIPPED, env="LunarLander-v3")
    return [cart, _Case("LunarLander", "LunarLander-v3", lander, 64)]


def lean_soon(observations: Observations) -> Actions:
    """Push to where the pole will lean, and a little to the middle of the track."""
    slopes = np.array([0.05, 0.1, 1.0, 0.5])
    return np.asarray(observations @ slopes > 0).astype(np.int64)


def _made(
    case: _Case, scale: Scale, note: NoteFn
) -> tuple[list[_StandIn], dict[str, list[_StandIn | str]]]:
    """Return what VIPER and each method came to, a seed after the other."""
    peers: list[_StandIn] = []
    ours: dict[str, list[_StandIn | str]] = {method: [] for method in METHODS}
    for seed in SEEDS[scale]:
        episodes = collect(case.agent, case.env, n_episodes=20, seed=seed)
        tests = episode_seeds(derived_seed(seed, "bench", SUITE, "tests"), N_TESTS[scale])
        note(f"{SUITE}: {case.name}, seed {seed}, VIPER one state at a time")
        peers.append(_peer(case, episodes, tests, scale, seed))
        for method in METHODS:
            note(f"{SUITE}: {case.name}, seed {seed}, {method}")
            ours[method].append(_ours(case, method, episodes, tests, scale, seed))
    return peers, ours


def _ours(
    case: _Case, method: str, episodes: Episodes, tests: Sequence[int], scale: Scale, seed: int
) -> _StandIn | str:
    steps = 60_000 if scale is Scale.smoke else 600_000
    started = time.perf_counter()
    try:
        made = explain(
            case.agent, episodes, method=method, seed=seed, score=False, budget=Cost(10**7, steps)
        )
    except PellucidError as error:
        return str(error)
    seconds = time.perf_counter() - started
    if not isinstance(made.content, Surrogate):
        return made.reason
    agent = ProgramAgent(
        program_of(made.content), case.agent.observation_space, case.agent.action_space
    )
    returns = _returns(agent, episodes, tests)
    return _StandIn(seconds, made.content.n_parts, made.used.queries, returns)


def _peer(
    case: _Case, episodes: Episodes, tests: Sequence[int], scale: Scale, seed: int
) -> _StandIn:
    settings = ViperSettings(max_leaves=case.max_leaves)
    if scale is Scale.smoke:
        settings = ViperSettings(2, 2, 2, case.max_leaves)
    assert episodes.spec is not None
    spec = episodes.spec
    started = time.perf_counter()
    made = sequential_viper(case.agent, lambda: make_env(spec), settings, seed=seed)
    seconds = time.perf_counter() - started
    agent = _Sklearn(made.tree, case.agent.observation_space, case.agent.action_space)
    return _StandIn(seconds, made.n_leaves, made.n_queries, _returns(agent, episodes, tests))


@dataclass(frozen=True, eq=False)
class _Sklearn:
    """A tree of scikit-learn as an agent, for the episodes in which both are judged."""

    tree: Any
    observation_space: Any
    action_space: Any

    name, framework = "scikit-learn", "scikit-learn"
    capabilities = frozenset[str]()

    def act(self, observations: Observations) -> Actions:
        return np.asarray(self.tree.predict(observations)).astype(np.int64)


def _returns(
    agent: Any, episodes: Episodes, tests: Sequence[int]
) -> Float[np.ndarray, " episodes"]:
    run_of = collect_stand_in(
        agent, episodes, episode_seeds=tests, seed=0, meter=Meter(Cost(10**9, 10**9))
    )
    return np.array([e.total_reward for e in run_of.attempted])


def _level(case: _Case, scale: Scale) -> tuple[float, float]:
    """Return what the agent and random actions earn in the fresh episodes of all seeds."""
    means: list[tuple[float, float]] = []
    lot = RandomAgent(case.agent.observation_space, case.agent.action_space)
    for seed in SEEDS[scale]:
        episodes = collect(case.agent, case.env, n_episodes=1, seed=seed)
        tests = episode_seeds(derived_seed(seed, "bench", SUITE, "tests"), N_TESTS[scale])
        own, random = (_returns(agent, episodes, tests).mean() for agent in (case.agent, lot))
        means.append((float(own), float(random)))
    own, random = np.mean(means, axis=0)
    return float(own), float(random)


def _row(
    case: _Case,
    method: str,
    found: Sequence[_StandIn | str],
    peers: Sequence[_StandIn],
    level: tuple[float, float],
    scale: Scale,
) -> Row:
    named: dict[str, Any] = {
        "suite": SUITE,
        "peer": f"VIPER, {case.max_leaves} leaves at most, one state at a time",
        "peer_version": package_version("scikit-learn"),
        "threads": 1,
    }
    missing = [one for one in found if isinstance(one, str)]
    ours = [one for one in found if isinstance(one, _StandIn)]
    if missing or not ours:
        return Row(case=f"{case.name}, {method}", reason=(missing or ["nothing made"])[0], **named)
    gaps = np.array([a.returns.mean() - b.returns.mean() for a, b in zip(ours, peers, strict=True)])
    gap = mean_interval(gaps)
    ratio = _median(peers, "seconds") / _median(ours, "seconds")
    parts, peer_parts = _median(ours, "n_parts"), _median(peers, "n_parts")
    full = scale is Scale.full
    enough = gap.low > -EQUAL_SHARE * (level[0] - level[1])
    small = parts * FEWER <= peer_parts
    return Row(
        case=f"{case.name}, {method}: {parts:g} leaves against {peer_parts:g}, {_told(gaps)}",
        ours_s=_median(ours, "seconds"),
        peer_s=_median(peers, "seconds"),
        ratio=ratio,
        error_ours=level[0] - float(np.mean([one.returns.mean() for one in ours])),
        error_peer=level[0] - float(np.mean([one.returns.mean() for one in peers])),
        evaluations_ours=_median(ours, "n_queries"),
        evaluations_peer=_median(peers, "n_queries"),
        goal=GOAL,
        met=bool(enough and (small or ratio >= FASTER)) if full else None,
        reason="" if full else "smoke",
        **named,
    )


def _told(gaps: Float[np.ndarray, " seeds"]) -> str:
    """Return the difference of returns in words, with its interval over seeds."""
    gap = mean_interval(gaps)
    ends = f" ({gap.low:+.0f} to {gap.high:+.0f})" if gap.measured else ""
    return f"earns {gaps.mean():+.0f} points beside it{ends}"


def _median(found: Sequence[_StandIn], name: str) -> float:
    return float(np.median([float(getattr(one, name)) for one in found]))
