"""Shapley credits: what each member of a team adds to what the team earns (leaf B1s)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.agents.coalitions import members_of
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, DataError
from pellucid.explanation import Contributions, Finding, Sentences, Task, explainer, fact
from pellucid.kernels.shapley import efficiency_error
from pellucid.kernels.shapley_designs import CoalitionDesign, antithetic_chain, every_coalition
from pellucid.rollouts.coalition_runs import affordable_runs, coalition_return, typical_length
from pellucid.seeds import derived_seed, episode_seeds, stream

N_EPISODES, MIN_EPISODES = 20, 5
ALWAYS_EVERY = 4
"""Members up to which every coalition is run; larger teams have chains where that is too dear."""
MOST_EVERY = 10

_QUESTION = "What does each member add to what the team earns?"


@dataclass(frozen=True)
class _Plan:
    """How many episodes, and whether every coalition is run in each."""

    n_episodes: int
    every: bool


@explainer(
    "team-shapley",
    leaf="B1s",
    kind=Contributions,
    decisive="coalition_gap",
    source="Li 2021 (Shapley counterfactual credits), on returns; Shapley 1953, eq. (13)",
    question=_QUESTION,
    sentences=Sentences(
        supported="{x} adds most: {y} of the {t} {unit} that the team earns beyond standing idle. "
        "For other coalitions the credits are off by {d} ({lo} to {hi}), a random split by {r}.",
        weak="{x} may add most; but for other coalitions the credits are off by {d} {unit} "
        "({lo} to {hi}), not clearly less than a random split ({r}).",
        thin="{x} may add most: for other coalitions the credits are off by {d} {unit} "
        "({lo} to {hi}), a random split by {r}; but {reason}.",
        failed="What each member adds could not be shown: for other coalitions the credits are off "
        "by {d} {unit}, and a random split is no worse ({r}).",
        not_measured="What each member adds was not tested: {reason}. To test it: {need}.",
        does_not_say="that a member with little credit could be left out of another team",
    ),
    needs=("team", "environment"),
    targets=("return",),
)
class TeamShapley:
    """Shapley values of the members, for the return of the whole team.

    The value of a coalition is the return of an episode in which its members act as they do and all
    others stand idle (action 0, or the one nearest to 0). All coalitions of an episode have the
    same seed. Every coalition is run for teams up to 4, and up to 10 if the budget pays for five
    episodes of it; else each episode lets the members join in a random order, and in the reverse
    order. Values are means over episodes, and add up to what the team earns beyond standing idle.

    Deviation from Li 2021: returns of episodes in place of a learned critic.
    """

    def plan(self, task: Task) -> Cost:
        """Return the expected work: one episode per coalition."""
        plan = _plan(task)
        n = plan.n_episodes * _n_coalitions(len(members_of(task.agent)), plan.every)
        steps = round(n * typical_length(task.episodes))
        return Cost(queries=steps, env_steps=steps)

    def explain(self, task: Task) -> Finding:
        """Run the coalitions."""
        plan = _plan(task)
        members = tuple(members_of(task.agent))
        shares, ends, n_done = _shares(task, plan, len(members))
        values = shares.mean(axis=0)
        empty, full = (float(end) for end in ends.mean(axis=0))
        content = Contributions(
            names=members,
            values=values,
            standard_errors=shares.std(axis=0, ddof=1) / np.sqrt(len(shares)),
            total=full - empty,
            unit=task.episodes.names.reward_unit,
        )
        top = int(values.argmax())
        return Finding(
            question=_QUESTION,
            content=content,
            facts={
                "x": fact(members[top]),
                "y": fact(float(values[top])),
                "t": fact(content.total),
                "n_episodes": fact(len(shares)),
            },
            complete=n_done == plan.n_episodes,
            identity_error=efficiency_error(values, empty, full),
            left_out=_left_out(plan),
        )


def _plan(task: Task) -> _Plan:
    """Return how many episodes and which coalitions are paid for.

    Raises:
        CapabilityError: It is no team, or there is no environment.
        DataError: There are no episodes.
        BudgetError: It does not pay for five episodes.
    """
    n_members = len(members_of(task.agent))
    if task.episodes.spec is None:
        raise CapabilityError(
            "letting members stand idle needs the environment, and these are logs without one",
            hint="give the environment",
        )
    if not len(task.episodes):
        raise DataError("there is no finished episode to explain", hint="collect episodes first")
    left = task.meter.left
    for every in (True, False):
        if every and n_members > MOST_EVERY:
            continue
        affordable = affordable_runs(task.episodes, _n_coalitions(n_members, every), left)
        if affordable >= MIN_EPISODES:
            return _Plan(min(N_EPISODES, affordable), every)
        if n_members <= ALWAYS_EVERY:
            break
    n_runs = MIN_EPISODES * _n_coalitions(n_members, every)
    need = round(n_runs * typical_length(task.episodes))
    raise BudgetError(
        f"{n_runs} episodes of coalitions need about {need} environment steps and agent queries, "
        f"and the longest episode beyond; {min(left.queries, left.env_steps)} are left",
        hint=f"a larger budget: at least {need} environment steps for this method",
    )


def _n_coalitions(n_members: int, every: bool) -> int:
    return 2**n_members if every else 2 * n_members


def _shares(
    task: Task, plan: _Plan, n_members: int
) -> tuple[Float[np.ndarray, "episodes members"], Float[np.ndarray, "episodes 2"], int]:
    """Return the values of each episode, the returns of nobody and of all, and how many were run.

    Raises:
        BudgetError: Less than two episodes could be run.
    """
    seeds = episode_seeds(derived_seed(task.seed, "team-shapley"), plan.n_episodes)
    shares, ends = [], []
    n_done = 0
    for number, seed in enumerate(seeds):
        design = _design(task, plan, n_members, number)
        returns = np.array(
            [
                coalition_return(
                    task.agent,
                    mask,
                    task.episodes,
                    meter=task.meter,
                    policy=task.policy,
                    seed=seed,
                )
                for mask in design.masks
            ]
        )
        if np.isnan(returns).any():
            continue
        n_done += 1
        shares.append(design.matrix @ returns)
        ends.append((returns[0], returns[-1]))
        task.progress((number + 1) / len(seeds))
    if n_done < MIN_EPISODES:
        raise BudgetError(
            f"{n_done} episodes of every coalition could be run, and {MIN_EPISODES} are needed",
            hint="a larger budget of environment steps, or an environment whose episodes end",
        )
    return np.array(shares), np.array(ends), n_done


def _design(task: Task, plan: _Plan, n_members: int, number: int) -> CoalitionDesign:
    if plan.every:
        return every_coalition(n_members)
    return antithetic_chain(n_members, stream(task.seed, "team-shapley", "order", number))


def _left_out(plan: _Plan) -> tuple[str, ...]:
    sentences = []
    if not plan.every:
        sentences.append(f"{_QUESTION} Members join in random orders; not every coalition is run.")
    if plan.n_episodes < N_EPISODES:
        sentences.append(f"{_QUESTION} {plan.n_episodes} episodes were run of {N_EPISODES}.")
    return tuple(sentences)
