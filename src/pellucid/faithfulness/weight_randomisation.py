"""Weight randomisation: an explanation of the agent must not survive redrawing its weights."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from pellucid.agents.metering import unmetered
from pellucid.budget import Cost
from pellucid.errors import CapabilityError
from pellucid.explanation import Attribution, Check, Finding, Score, metric
from pellucid.explanation.score import Control, Interval
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import missing_score
from pellucid.faithfulness.thresholds import in_words
from pellucid.kernels.ranks import centred_ranks, rank_correlation
from pellucid.rollouts.episodes import Episodes
from pellucid.seeds import stream
from pellucid.types import Agent


@metric(
    "weight_randomisation",
    kind=Attribution,
    label="the attribution must change when the agent's weights are redrawn",
    direction="lower",
    unit="draw",
    role="sanity",
    targets=("action", "value"),
    source="Adebayo 2018, cascading randomisation; random band ours",
)
def weight_randomisation(check: Check) -> tuple[Score, ...]:
    """Check that an attribution depends on what the agent has learnt.

    Weight layers are redrawn from the output back to the input, one more at each stage, five times,
    and the agent is explained again on the same episodes. Statistic of a draw: the median over
    states of the rank correlation between the attributions of the output that the agent had chosen,
    before and after. Random band: the same statistic when the inputs are relabelled by lot, one
    permutation for all states, 200 of them per draw. The check is the last stage, at which all
    layers are redrawn: it passes if the median over the draws lies below the 95 % point of the
    band. The earlier stages are supporting scores, `weight_randomisation.last_1` and so on. The
    interval is the range of the draws (of five, it covers the median in 94 % of cases). Not made
    of explanations of the return, which come from running the agent: they cannot but depend on it.

    Raises:
        CapabilityError: The agent shows no layers, or there are fewer than three inputs.
        BudgetError: The budget does not pay for explaining five times per layer.
    """
    content = check.finding.content
    assert isinstance(content, Attribution)
    agent = unmetered(check.agent)
    if "layers" not in agent.capabilities:
        raise CapabilityError(
            f"{agent.name} shows no weight layers to redraw",
            hint="an agent with weights, such as a torch module",
        )
    if len(content.input_names) < 3:
        raise CapabilityError(
            "fewer than three inputs have too few orders to tell chance from likeness",
            hint="an agent with three inputs or more",
        )
    episodes = replace(check.episodes, attempted=check.episodes.used[: thresholds.SANITY_EPISODES])
    n_layers: int = agent.n_layers  # type: ignore[attr-defined]
    n_runs = thresholds.RANDOMISED_DRAWS * n_layers + 1
    allowed = check.meter.left.share(thresholds.SANITY_SHARE / n_runs)
    before = _attribution(check.explain_fn(agent, episodes, check.meter.child(allowed)))
    return tuple(
        _stage(check, agent, episodes, before, allowed, n_redrawn)
        for n_redrawn in range(n_layers, 0, -1)
    )


def _stage(
    check: Check,
    agent: Agent,
    episodes: Episodes,
    before: Attribution,
    allowed: Cost,
    n_redrawn: int,
) -> Score:
    """Return the score of one stage of the cascade; only the last one is a check."""
    info = weight_randomisation.info  # type: ignore[attr-defined]
    last = n_redrawn == agent.n_layers  # type: ignore[attr-defined]
    statistics, band = _statistics(check, agent, episodes, before, allowed, n_redrawn)
    if len(statistics) < thresholds.RANDOMISED_DRAWS:
        reason = "the attributions are constant in every state, so that they have no order"
        score = missing_score(info, reason, "inputs that differ in importance")
    else:
        score = _score(statistics, band)
    if last:
        return score
    layers = "output layer" if n_redrawn == 1 else f"last {in_words(n_redrawn)} layers"
    return replace(
        score,
        metric=f"{info.name}.last_{n_redrawn}",
        label=f"{info.label}: {layers} only",
        role="supporting",
    )


def _score(
    statistics: Float[np.ndarray, " draws"], band: Float[np.ndarray, " relabellings"]
) -> Score:
    info = weight_randomisation.info  # type: ignore[attr-defined]
    n = len(statistics)
    value, low, high = np.median(statistics), statistics.min(), statistics.max()
    middle = float(np.median(band))
    bottom, top = np.quantile(band, [1.0 - thresholds.RANDOM_BAND, thresholds.RANDOM_BAND])
    return Score(
        metric=info.name,
        label=info.label,
        interval=Interval(float(value), float(low), float(high), n, constant=bool(low == high)),
        unit=info.unit,
        direction=info.direction,
        control=Control(
            "inputs relabelled by lot", Interval(middle, float(bottom), float(top), len(band))
        ),
        gap=Interval(float(top - value), float(top - high), float(top - low), n),
        closed_loop=False,
        role="sanity",
        value_unit="rank correlation",
    )


def _statistics(
    check: Check,
    agent: Agent,
    episodes: Episodes,
    before: Attribution,
    allowed: Cost,
    n_redrawn: int,
) -> tuple[Float[np.ndarray, " draws"], Float[np.ndarray, " relabellings"]]:
    """Return the statistic of each draw and the pooled random band; draws without one left out."""
    statistics, band = [], []
    for draw in range(thresholds.RANDOMISED_DRAWS):
        redrawn = agent.randomise_layers(  # type: ignore[attr-defined]
            n_redrawn,
            stream(check.seed, "weight_randomisation", draw),
        )
        finding = check.explain_fn(redrawn, episodes, check.meter.child(allowed))
        one, two = _same_states(before, _attribution(finding))
        ranks, redrawn_ranks = centred_ranks(one), centred_ranks(two)
        statistic = _median(_likeness(ranks, redrawn_ranks))
        if np.isnan(statistic):
            continue
        statistics.append(statistic)
        rng = stream(check.seed, "weight_randomisation", "relabelling", draw)
        orders = (rng.permutation(one.shape[1]) for _ in range(thresholds.RELABELLINGS))
        band += [_median(_likeness(ranks, redrawn_ranks[:, order])) for order in orders]
    return np.array(statistics), np.array(band)


def _attribution(finding: Finding) -> Attribution:
    assert isinstance(finding.content, Attribution)
    return finding.content


def _same_states(
    before: Attribution, after: Attribution
) -> tuple[Float[np.ndarray, "states inputs"], Float[np.ndarray, "states inputs"]]:
    """Return both attributions of the output chosen before, for the states that both explain."""
    rows = {(int(e), int(t)): row for row, (e, t) in enumerate(after.steps)}
    pairs = [
        (row, rows[int(e), int(t)])
        for row, (e, t) in enumerate(before.steps)
        if (int(e), int(t)) in rows
    ]
    one, two = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return before.values[one, :, before.chosen[one]], after.values[two, :, before.chosen[one]]


def _likeness(
    before: Float[np.ndarray, "states inputs"], after: Float[np.ndarray, "states inputs"]
) -> Float[np.ndarray, " states"]:
    """Return the correlation of centred ranks per state; 0 if only the second has no order.

    A redrawn agent that makes the same choice everywhere gives equal attributions: nothing of the
    explanation survived. NaN if there was no order to begin with.
    """
    likeness = rank_correlation(before, after)
    lost = before.any(axis=1) & ~after.any(axis=1) & ~np.isnan(before).any(axis=1)
    return np.where(lost, 0.0, likeness)


def _median(values: Float[np.ndarray, " states"]) -> float:
    defined = values[~np.isnan(values)]
    return float(np.median(defined)) if len(defined) else float("nan")
