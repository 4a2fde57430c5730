"""Episodes of a team of which some members stand idle, and how many a budget pays for."""

import numpy as np
from jaxtyping import Bool

from pellucid.agents.coalitions import coalition
from pellucid.budget import Cost, Meter
from pellucid.envs.resolve import make_env, step_limit
from pellucid.rollouts.collecting import collect
from pellucid.rollouts.episodes import Episodes
from pellucid.rollouts.lockstep import close
from pellucid.seeds import derived_seed
from pellucid.types import Agent, PolicyMode


def coalition_return(
    agent: Agent,
    present: Bool[np.ndarray, " members"],
    episodes: Episodes,
    *,
    meter: Meter,
    policy: PolicyMode,
    seed: int,
) -> float:
    """Return what a coalition earns in the episode of a seed; NaN if it failed or was not paid.

    Args:
        agent: A team that `agents.coalitions.members_of` accepts.
        present: Shape (members,), who acts; the others stand idle.
        episodes: Tell the environment.
        meter: Pays.
        policy: Most-likely or drawn actions; coalitions of one seed have the same draws.
        seed: Of the episode.
    """
    assert episodes.spec is not None
    run = collect(
        coalition(agent, present),
        episodes.spec,
        n_episodes=1,
        seed=derived_seed(seed, "coalitions"),
        policy=policy,
        meter=meter,
        names=episodes.names,
        episode_seeds=[seed],
    )
    return run[0].total_reward if len(run) else np.nan


def affordable_runs(episodes: Episodes, n_coalitions: int, left: Cost) -> int:
    """Return in how many episodes so many coalitions can be run, if they are as long as recorded.

    Args:
        episodes: At least one, with their environment.
        n_coalitions: Runs in each episode.
        left: What may be used. A run is only started if it can last to the step limit.
    """
    assert episodes.spec is not None
    env = make_env(episodes.spec)
    try:
        bound = step_limit(env)
    finally:
        close(env)
    room = min(left.queries, left.env_steps) - bound
    return max(0, int(room // (n_coalitions * typical_length(episodes))))


def typical_length(episodes: Episodes) -> float:
    """Return the mean length of an episode; idle members may make it another one."""
    return float(np.mean([max(1, len(episode)) for episode in episodes.used]))
