"""Scores a finding by every metric of its kind; what cannot be measured says why."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from pellucid import registry
from pellucid.agents.metering import MeteredAgent, unmetered
from pellucid.budget import Meter
from pellucid.errors import BudgetError, CapabilityError, PellucidError, TimeLimitError
from pellucid.explanation import Check, ExplainerInfo, Finding, Metric, Score
from pellucid.faithfulness.badges import judge, rerun_was_possible
from pellucid.faithfulness.input_doubt import input_doubt
from pellucid.faithfulness.results import missing_score
from pellucid.rollouts.episodes import Episodes
from pellucid.types import Agent, PolicyMode

logger = logging.getLogger(__name__)


def score_finding(
    finding: Finding,
    info: ExplainerInfo,
    *,
    agent: Agent,
    episodes: Episodes,
    meter: Meter,
    policy: PolicyMode,
    seed: int,
    jobs: int,
    explain_fn: Callable[[Agent, Episodes, Meter], Finding],
) -> tuple[Score, ...]:
    """Return the judged scores of every registered metric of the finding's kind and target.

    Decisive metrics come first, in the order in which they may decide, then sanity checks, then
    the others; each uses what the ones before it left. A metric that lacks a capability or budget,
    or that fails, gives one score that is not measured, with the reason and what would allow it:
    none is silently missing.

    Args:
        finding: What the explainer returned.
        info: The explainer's; names the decisive metrics and the axioms it claims.
        agent: The explained agent, metered or not.
        episodes: The episodes that were explained.
        meter: The budget left for the tests.
        policy: Whether the agent acts greedily or by sampling.
        seed: The run's seed; tests draw from other streams than explainers.
        jobs: Worker processes.
        explain_fn: Explains again, charging the meter it is given.
    """
    check = Check(
        finding=finding,
        agent=MeteredAgent(unmetered(agent), meter),
        episodes=episodes,
        meter=meter,
        policy=policy,
        seed=seed,
        jobs=jobs,
        explain_fn=explain_fn,
        axioms=info.axioms,
    )
    scores = [score for test in _ordered(finding, info) for score in _measure(test, check)]
    tells = episodes.spec is not None and info.rerun_tells
    possible = rerun_was_possible(scores, tells)
    complete = finding.complete and not cut_by_time(scores, meter)
    doubt = input_doubt(agent, episodes)
    return tuple(judge(s, complete=complete, rerun_possible=possible, doubt=doubt) for s in scores)


def cut_by_time(scores: Sequence[Score], meter: Meter) -> bool:
    """Whether the time limit was reached before all tests were made in full."""
    return meter.time_is_up and any(s.unaffordable or not s.complete for s in scores)


def timely(error: BudgetError, meter: Meter) -> BudgetError:
    """Return what stopped the work: the time limit if it is reached, since then nothing is left."""
    try:
        meter.check_time()
    except TimeLimitError as reached:
        return reached
    return error


def _ordered(finding: Finding, info: ExplainerInfo) -> list[Metric]:
    """Return the metrics of a finding: decisive ones, sanity checks, the others."""
    loaded, _ = registry.load_all("metrics")
    fitting = [
        m
        for _, m in sorted(loaded.items())
        if isinstance(finding.content, m.info.kind) and set(m.info.targets) & set(info.targets)
    ]
    # `step_drop.random` names one score of the metric `step_drop`
    decisive = [name.partition(".")[0] for name in info.decisive]

    def place(test: Metric) -> tuple[int, int]:
        if test.info.name in decisive:
            return 0, decisive.index(test.info.name)
        return (1 if test.info.role == "sanity" else 2), 0

    return sorted(fitting, key=place)


def _measure(test: Metric, check: Check) -> tuple[Score, ...]:
    try:
        check.meter.check_time()
        return test(check)
    except CapabilityError as error:
        need = error.hint or "an agent or environment that offers it"
        return (missing_score(test.info, str(error), need, applicable=False),)
    except BudgetError as error:
        error = timely(error, check.meter)
        score = missing_score(test.info, str(error), error.hint or "a larger budget")
        return (replace(score, unaffordable=True),)
    except PellucidError as error:
        return (missing_score(test.info, str(error), error.hint or "another attempt"),)
    except Exception as error:  # a plug-in may raise anything; it becomes a score with a reason
        logger.exception("metric %s raised", test.info.name)
        reason = f"the test raised {type(error).__name__}: {error}"
        return (missing_score(test.info, reason, "report this to the authors of the test"),)
