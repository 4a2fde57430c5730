"""What the tests of stand-ins share: the tree as an agent, its episodes, and its control."""

from dataclasses import dataclass

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Float, Int

from pellucid.agents.context import stacked, take
from pellucid.agents.flatten import flat
from pellucid.agents.program import ProgramAgent
from pellucid.agents.tree import TreeAgent
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check, Surrogate
from pellucid.explanation.programs import program_of
from pellucid.faithfulness import thresholds
from pellucid.kernels.cart import fit_cart
from pellucid.rollouts.remembered import remembered_along
from pellucid.rollouts.stand_ins import collect_stand_in
from pellucid.seeds import derived_seed, stream
from pellucid.types import Context, Observations


@dataclass(frozen=True)
class OwnStates:
    """States that the stand-in itself gets into.

    Args:
        observations: Shape (states, *observation).
        episodes: Shape (states,), the episode of each.
        context: What answers in them depend on beside the observation, row by row.
    """

    observations: Observations
    episodes: Int[np.ndarray, " states"]
    context: Context

    def by_episode(self, values: Float[np.ndarray, " states"]) -> Float[np.ndarray, " episodes"]:
        """Return the mean of each episode: states of one episode are not independent."""
        return np.array([values[self.episodes == e].mean() for e in np.unique(self.episodes)])


def student_of(check: Check) -> ProgramAgent:
    """Return the stand-in as an agent.

    Raises:
        CapabilityError: It cannot be run, or there is no environment to run it in.
    """
    content = check.finding.content
    assert isinstance(content, Surrogate)
    program = program_of(content)
    if check.episodes.spec is None:
        raise CapabilityError(
            "a stand-in is judged by what it does, and these are logs without an environment",
            hint="give the environment",
        )
    return ProgramAgent(program, check.agent.observation_space, check.agent.action_space)


def own_states(check: Check, student: ProgramAgent) -> OwnStates:
    """Run the stand-in and return some of its states, spread evenly over each episode.

    Raises:
        BudgetError: Less than five episodes, or less than a state of each.
    """
    least = min(thresholds.UNITS_FOR_WEAK, len(check.episodes.attempted))
    seeds = [e.seed for e in check.episodes.attempted[: thresholds.STAND_IN_EPISODES]]
    run = collect_stand_in(
        student,
        check.episodes,
        episode_seeds=seeds,
        seed=check.episodes.seed,
        meter=check.meter,
        jobs=check.jobs,
    )
    run = remembered_along(check.agent, run, check.meter)
    affordable = check.meter.left.queries
    if len(run.attempted) < least or affordable < least:
        need = round(least * float(np.mean([len(e) for e in check.episodes.used])))
        raise BudgetError(
            f"running the stand-in for {least} episodes needs more than is left",
            hint=f"a larger budget: about {need} environment steps and {least} agent queries "
            "for this test",
        )
    used = [e for e in run.used if len(e)][:affordable]
    per_episode = min(thresholds.STATES_PER_EPISODE, affordable // max(1, len(used)))
    rows, episodes, contexts = [], [], []
    for position, episode in enumerate(used):
        n = min(per_episode, len(episode))
        places = np.unique(np.linspace(0, len(episode) - 1, n).round().astype(np.int64))
        rows.append(episode.observations[places])
        episodes.append(np.full(len(places), position))
        contexts.append(take(episode.context, places))
    if not rows:
        failure = next((e.failure.message for e in run.excluded if e.failure is not None), "")
        raise CapabilityError(f"no episode of the stand-in could be used: {failure}")
    return OwnStates(np.concatenate(rows), np.concatenate(episodes), stacked(contexts))


def shuffled_trees(check: Check, student: ProgramAgent) -> list[TreeAgent]:
    """Return trees fitted to the recorded actions in random order.

    They have as many leaves as the stand-in has parts.
    """
    content = check.finding.content
    assert isinstance(content, Surrogate)
    space = check.agent.action_space
    inputs = flat(check.episodes.visited)
    actions = np.concatenate([e.actions for e in check.episodes.used])
    discrete = isinstance(space, Discrete)
    targets = (
        actions.astype(np.int64) - int(space.start)
        if discrete
        else actions.reshape(len(actions), -1).astype(np.float64)
    )
    trees = []
    for draw in range(thresholds.SHUFFLED_TREES):
        order = stream(check.seed, "stand-in", "labels", draw).permutation(len(targets))
        tree = fit_cart(
            inputs,
            targets[order],
            np.ones(len(targets)),
            max_leaves=content.n_parts,
            n_classes=int(space.n) if discrete else None,
            seed=derived_seed(check.seed, "stand-in", "fit", draw),
        )
        trees.append(TreeAgent(tree, student.observation_space, space))
    return trees
