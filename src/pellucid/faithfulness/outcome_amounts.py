"""Outcome amounts: how far what was announced is from what fresh futures bring."""

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Amounts, Check, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.replays import check_noise
from pellucid.faithfulness.results import missing_score, paired_score
from pellucid.rollouts import branching_cost
from pellucid.rollouts.choices import Choices, affordable, amounts_of, run_choices
from pellucid.rollouts.failures import check_enough
from pellucid.seeds import derived_seed


@metric(
    "outcome_amounts",
    kind=Amounts,
    label="error of the announced amounts, all events together",
    direction="lower",
    unit="episode",
    closed_loop=True,
    source="ours, after Yau 2020 (belief maps), by branching",
    targets=("action",),
)
def outcome_amounts(check: Check) -> tuple[Score, ...]:
    """Score announced amounts by what fresh futures bring after each choice.

    Up to five fresh futures of each choice in each state, as long as the announcement says, with
    the same noise for the choices of a replicate. Value of a state: the mean over its choices of
    the sum over events of the absolute difference between announced and measured; of an episode:
    the mean over its states.

    Two controls on the same futures, both decisive. `outcome_amounts.states`: what was announced of
    the other states, on average. `outcome_amounts.choices`: what was announced of the other choice;
    where choices do not matter, no announcement can beat it. `outcome_amounts.return` is
    supporting: the discounted return that goes with the announced amounts, against that of the
    futures; control as for states. Where every step pays alike, or rewards do not depend on the
    events, it says nothing of them.

    Raises:
        CapabilityError: No environment, or no branching.
        BudgetError: Less than five states.
    """
    content = check.finding.content
    assert isinstance(content, Amounts)
    if check.episodes.spec is None:
        raise CapabilityError(
            "running what was announced needs the environment, and these are logs without one",
            hint="give the environment",
        )
    measured, complete = _measured(check, content)
    n_states = len(measured)
    steps, told = content.steps[:n_states], content.amounts[:n_states]
    info = outcome_amounts.info  # type: ignore[attr-defined]
    unit = amounts_unit(check, content)
    values = per_episode(_missed(told, measured[..., :-1]), steps)
    scores = [
        paired_score(
            info,
            values,
            per_episode(of_others(told, measured[..., :-1]), steps),
            "what was announced of other states",
            name="states",
            value_unit=unit,
            complete=complete,
        )
    ]
    if content.amounts.shape[1] == 2:
        swapped = per_episode(_missed(told[:, ::-1], measured[..., :-1]), steps)
        scores.append(
            paired_score(
                info,
                values,
                swapped,
                "what was announced of the other choice",
                name="choices",
                value_unit=unit,
                complete=complete,
            )
        )
    else:
        reason = "there is a single choice"
        scores.append(missing_score(info, reason, "two", name="choices", applicable=False))
    returns = content.returns[:n_states, :, None]
    scores.append(
        paired_score(
            info,
            per_episode(_missed(returns, measured[..., -1:]), steps),
            per_episode(of_others(returns, measured[..., -1:]), steps),
            "the return announced of other states",
            name="return",
            label="error of the discounted return that goes with the announced amounts",
            role="supporting",
            value_unit=check.episodes.names.reward_unit,
            complete=complete,
        )
    )
    return tuple(scores)


def amounts_unit(check: Check, content: Amounts) -> str:
    """Return the unit of announced amounts."""
    return check.episodes.names.reward_unit if content.form == "terms" else "discounted steps"


def per_episode(
    values: Float[np.ndarray, " states"], steps: Int[np.ndarray, "states 2"]
) -> Float[np.ndarray, " episodes"]:
    """Return means over the states of each episode, the independent unit; NaN states left out."""
    found = []
    for episode in np.unique(steps[:, 0]):
        own = values[steps[:, 0] == episode]
        known = own[np.isfinite(own)]
        found.append(known.mean() if len(known) else np.nan)
    return np.array(found)


def of_others(
    told: Float[np.ndarray, "states choices events"],
    measured: Float[np.ndarray, "states choices events"],
) -> Float[np.ndarray, " states"]:
    """Return by how much announcements miss, on average, what was measured in other states."""
    n_states = len(told)
    shifts = [_missed(np.roll(told, shift, axis=0), measured) for shift in range(1, n_states)]
    return np.mean(shifts, axis=0) if shifts else np.full(n_states, np.nan)


def _missed(
    told: Float[np.ndarray, "states choices events"],
    measured: Float[np.ndarray, "states choices events"],
) -> Float[np.ndarray, " states"]:
    return np.asarray(np.abs(told - measured).sum(axis=2).mean(axis=1))


def _measured(
    check: Check, content: Amounts
) -> tuple[Float[np.ndarray, "states choices events_and_return"], bool]:
    """Return means over fresh futures, and whether all that was planned was run."""
    check_noise(check)
    choices = Choices(content.steps, content.choices, content.horizon)
    fewest = min(thresholds.UNITS_FOR_WEAK, len(content.steps))
    size = affordable(
        check.episodes,
        choices,
        check.meter.left,
        most_replicates=thresholds.PART_REPLICATES,
        fewest_states=fewest,
    )
    if size[0] == 0:
        need = branching_cost(check.episodes, choices.branches(fewest, 1))
        raise BudgetError(
            f"what was announced of {fewest} states cannot be run with what is left",
            hint=f"a larger budget: more than {need.env_steps} environment steps and "
            f"{need.queries} agent queries for this test",
        )
    futures = run_choices(
        check.agent,
        check.episodes,
        choices,
        size,
        meter=check.meter,
        policy=check.policy,
        jobs=check.jobs,
        seed=derived_seed(check.seed, "tests", "outcome_amounts"),
    )
    found = amounts_of(futures, content.counted, choices, size[1], content.discount)
    usable = np.isfinite(found[..., 0, -1])
    check_enough(futures, int(usable.any(axis=1).sum()), fewest)
    counted = usable.sum(axis=1)[:, None, None]
    total = np.where(usable[:, :, None, None], found, 0.0).sum(axis=1)
    means = np.where(counted > 0, total / np.maximum(counted, 1), np.nan)
    return means, len(found) == len(content.steps)
