"""Collect episodes of an agent."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pellucid import rollouts
from pellucid.api.request import check_types
from pellucid.api.turns import taking_turns
from pellucid.budget import Cost, Meter
from pellucid.envs import make_env, resolve_names
from pellucid.envs.described import described
from pellucid.envs.fitting import fitted, resolve_env
from pellucid.rollouts import Episodes
from pellucid.types import Agent, PolicyMode

DEFAULT_BUDGET = Cost(queries=5_000_000, env_steps=400_000)


@taking_turns
def collect(
    agent: Agent,
    env: Any,
    *,
    n_episodes: int = 20,
    seed: int = 0,
    policy: PolicyMode = "greedy",
    budget: Cost | None = None,
    meter: Meter | None = None,
    jobs: int = 1,
    wrappers: Sequence[str] = (),
    names: str | Path | None = None,
    reward_terms: str | None = None,
    progress: Callable[[float], None] | None = None,
) -> Episodes:
    """Run an agent for some episodes, each from its own seed in a fresh environment.

    Calls from several threads take turns.

    Args:
        agent: From `load_agent`.
        env: Gymnasium id, `module:callable`, a callable that makes one, or an `EnvSpec`.
        n_episodes: Episode i has the i-th child of `seed` as its seed.
        seed: Seed of the whole set.
        policy: Most-likely actions (`greedy`) or drawn ones (`sampled`).
        budget: Agent queries and environment steps; by default 5 M and 400 k.
        meter: A running budget, in place of `budget`.
        jobs: Worker processes; the result does not depend on it.
        wrappers: `module:callable` of each wrapper, innermost first.
        names: YAML file with names and units of inputs and actions.
        reward_terms: `module:callable` that splits the reward into terms.
        progress: Called with the share done.

    Returns:
        The episodes, failed ones included as such.
    """
    check_types(agent, n_episodes=n_episodes, seed=seed, budget=budget)
    spec = resolve_env(env, wrappers=tuple(wrappers), reward_terms=reward_terms)
    spec = fitted(spec, agent.observation_space)
    probe = make_env(spec)
    try:
        found = resolve_names(spec, probe, names)
        resolved = described(found, probe.observation_space, probe.action_space)
    finally:
        probe.close()
    episodes: Episodes = rollouts.collect(
        agent,
        spec,
        n_episodes=n_episodes,
        seed=seed,
        policy=policy,
        meter=meter or Meter(budget or DEFAULT_BUDGET),
        names=resolved,
        jobs=jobs,
        progress=progress,
    )
    return episodes
