"""Return under masking: what it costs to hide the top-ranked input at every step."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from pellucid.budget import Meter
from pellucid.envs import EnvSpec, make_env, step_limit
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Attribution, Check, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.hiding import GroupHider, InputHider, input_rows
from pellucid.faithfulness.replacements import Resample
from pellucid.faithfulness.results import paired_score, scored
from pellucid.rollouts import collect
from pellucid.seeds import derived_seed, stream
from pellucid.stats import differences


@metric(
    "masked_return",
    kind=Attribution,
    label="return lost when the top-ranked input is hidden",
    direction="higher",
    unit="episode",
    closed_loop=True,
    targets=("action", "return"),
    source="Beechey 2023 (SVERL, global performance), k = 1; control and intervals ours",
)
def masked_return(check: Check) -> tuple[Score, ...]:
    """Score an attribution by the return that hiding its top-ranked input costs.

    The input is replaced at every step by one drawn from visited states. Value of an episode:
    its return with everything visible minus its return with the input hidden, from the same
    seed. Control: the mean of the same over hiding each input alone (10 drawn inputs where there
    are more, the top one only if it is drawn), which is what a ranking by lot costs. What is tested
    is the claim: a ranking by lot that happens to name an input that costs more than most passes.
    As many episodes as the budget pays for in every arm; an arm that turns out longer than
    expected lowers the number for all, and the test counts as stopped early.

    Raises:
        CapabilityError: There is no environment, or only one input.
        BudgetError: Less than five episodes in every arm.

    Where inputs are groups, such as patches of an image, a group is hidden as a whole, by the same
    part of one visited state.
    """
    content = check.finding.content
    assert isinstance(content, Attribution)
    spec = check.episodes.spec
    if spec is None:
        raise CapabilityError(
            "hiding an input while the agent acts needs the environment, and these are logs",
            hint="give the environment",
        )
    n_inputs = len(content.input_names)
    if n_inputs < 2:
        raise CapabilityError("there is only one input", hint="an agent with two inputs or more")
    top = int(content.ranking[0])
    compared = _compared(n_inputs, stream(check.seed, "masked_return", "inputs"))
    arms = [top, *(int(i) for i in compared if i != top)]
    plan = _plan(check, spec, len(arms))
    lost = _lost_per_arm(check, arms, plan)
    n_hidden = "each input" if len(compared) == n_inputs else "random inputs"
    score = paired_score(
        masked_return.info,  # type: ignore[attr-defined]
        lost[0],
        lost[[arms.index(int(i)) for i in compared]].mean(axis=0),
        f"hiding {n_hidden} alone, on average",
        value_unit=check.episodes.names.reward_unit,
        complete=lost.shape[1] == plan.n_episodes,
    )
    return (replace(score, replacement=f"{Resample.words}, drawn at every step"),)


@dataclass(frozen=True)
class _Plan:
    n_episodes: int
    step_bound: int


def _compared(n_inputs: int, rng: np.random.Generator) -> Int[np.ndarray, " hidden"]:
    if n_inputs <= thresholds.HIDDEN_INPUTS:
        return np.arange(n_inputs)
    return rng.choice(n_inputs, size=thresholds.HIDDEN_INPUTS, replace=False)


def _plan(check: Check, spec: EnvSpec, n_arms: int) -> _Plan:
    """Return how many episodes every arm can expect to run, at least five.

    Raises:
        BudgetError: Less than five.
    """
    env = make_env(spec)
    try:
        bound = step_limit(env)
    finally:
        env.close()
    lengths = [len(e) for e in check.episodes.attempted]
    expected = min(bound, max(1.0, thresholds.LENGTHENING * float(np.mean(lengths or [bound]))))
    left = check.meter.left
    # an episode is only started if it can last to the step limit, hence one whole bound
    per_arm = min(left.queries, left.env_steps) / n_arms
    affordable = int((per_arm - bound) // expected) + 1
    least = min(thresholds.UNITS_FOR_WEAK, len(lengths))
    if affordable < least:
        _refuse(n_arms, int(np.ceil((least - 1) * expected)) + bound)
    return _Plan(min(affordable, len(lengths)), bound)


def _refuse(n_arms: int, per_arm: int) -> None:
    least = thresholds.UNITS_FOR_WEAK
    raise BudgetError(
        f"hiding {n_arms} inputs one by one for {least} episodes each needs more than is left",
        hint=f"a larger budget: about {n_arms * per_arm} environment steps and agent queries "
        "for this test",
    )


def _lost_per_arm(check: Check, arms: list[int], plan: _Plan) -> Float[np.ndarray, "arms episodes"]:
    """Return what hiding each input costs in each episode, over the episodes all arms finished."""
    attempted = check.episodes.attempted
    visible = np.array([scored(e.total_reward, e.failure is not None) for e in attempted])
    seed = derived_seed(check.seed, "masked_return", "replacements")
    n_episodes, returns = plan.n_episodes, []
    for position, column in enumerate(arms):
        hider = _hider(check, column, seed)
        # an equal share for every arm that is left, so that a long first arm starves no later one
        share = check.meter.left.share(1.0 / (len(arms) - position))
        returns.append(_returns(check, hider, n_episodes, check.meter.child(share)))
        n_episodes = len(returns[-1])
        if n_episodes < thresholds.UNITS_FOR_WEAK <= plan.n_episodes:
            _refuse(len(arms), thresholds.UNITS_FOR_WEAK * plan.step_bound)
    return np.array([differences(visible[:n_episodes], r[:n_episodes]) for r in returns])


def _hider(check: Check, number: int, seed: int) -> InputHider | GroupHider:
    visited, groups = check.episodes.visited, check.finding.groups
    if groups is None or groups.are_inputs:
        # one column alone, so that processes are not sent all visited states
        return InputHider(number, np.ascontiguousarray(input_rows(visited)[:, number]), seed)
    return GroupHider(number, groups, groups.donors(visited, groups.behind(visited)), seed)


def _returns(
    check: Check, hider: InputHider | GroupHider, n_episodes: int, meter: Meter
) -> Float[np.ndarray, " episodes"]:
    episodes = check.episodes
    assert episodes.spec is not None
    hidden = collect(
        check.agent,
        episodes.spec,
        n_episodes=n_episodes,
        # the run's own seed: a sampled policy draws the same numbers with the input hidden
        seed=episodes.seed,
        policy=check.policy,
        meter=meter,
        names=episodes.names,
        jobs=check.jobs,
        observe=hider,
        episode_seeds=[e.seed for e in episodes.attempted[:n_episodes]],
    )
    return np.array([scored(e.total_reward, e.failure is not None) for e in hidden.attempted])
