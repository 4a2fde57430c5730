"""Explain one agent by one method: the finding, its tests, its badge and its sentence."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pellucid import registry
from pellucid.agents.metering import MeteredAgent, unmetered
from pellucid.api.collecting import DEFAULT_BUDGET
from pellucid.api.request import check_time_limit, check_type, check_types
from pellucid.api.turns import taking_turns
from pellucid.budget import Cost, Meter, TimeLimit
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError, PellucidError
from pellucid.explanation import (
    TARGETS,
    Badge,
    Explainer,
    ExplainerInfo,
    Explanation,
    Fact,
    Finding,
    Score,
    Task,
    fact,
    render,
)
from pellucid.explanation.wording import fact_names, gain_for_loss
from pellucid.faithfulness.badges import decide
from pellucid.faithfulness.input_doubt import input_doubt, normalised
from pellucid.faithfulness.scoring import cut_by_time, score_finding, timely
from pellucid.provenance import provenance
from pellucid.rollouts import Episodes
from pellucid.rollouts.workers import kept_workers
from pellucid.types import Agent, PolicyMode

logger = logging.getLogger(__name__)

UNSOUND = "This could not be shown: {reason}. Do not use the answer, whatever its test says."
"""What is said where not the decisive test failed but a sanity check or the method's own identity:
a method's sentence would claim of the test what it did not show."""
EXPLAIN_SHARE = 0.5
"""Share of a method's budget for the explanation; its tests have the rest."""


@taking_turns
def explain(
    agent: Agent,
    episodes: Episodes,
    *,
    method: str,
    target: str | None = None,
    policy: PolicyMode | None = None,
    seed: int = 0,
    budget: Cost | None = None,
    meter: Meter | None = None,
    time_limit: float | None = None,
    jobs: int = 1,
    score: bool = True,
    options: Mapping[str, Any] | None = None,
    progress: Callable[[float], None] | None = None,
    command: str = "",
) -> Explanation:
    """Explain an agent by one method and measure how faithful the explanation is.

    Calls from several threads take turns.

    Args:
        agent: From `load_agent`.
        episodes: From `collect`.
        method: One of `pellucid list explainers`.
        target: `action` (what it chooses), `value` (what it predicts to earn) or `return` (what it
            earns); by default the one that the method is for. `shapley` with target `return` is
            the method `shapley-return`.
        policy: Most-likely or drawn actions: as the episodes were collected, which is also the
            default. What the agent would do is compared with what it did in them.
        seed: Same seed, same bytes.
        budget: Agent queries and environment steps, tests included; by default 5 M and 400 k.
        meter: A running budget, in place of `budget`.
        time_limit: Seconds, looked at between pieces of work. What is not done by then is not
            measured, the explanation is not complete, and its badge is weak at best.
        jobs: Worker processes; the result does not depend on it.
        score: Test the explanation within the budget; otherwise its badge is `not_measured`.
        options: Options of this method, such as `episode`, `step`, `foil`, `hold`.
        progress: Called with the share done.
        command: What provenance records as the command.

    Returns:
        The explanation. One that could not be made has no content, and says why and what would
        allow it.

    Raises:
        InputError: The method or target is unknown, an option is unknown or out of range, or the
            episodes were collected with the other kind of actions.
    """
    started = time.perf_counter()
    check_type("episodes", episodes, Episodes, "they come from pellucid.collect")
    check_types(agent, method=method, seed=seed, budget=budget)
    check_time_limit(time_limit)
    explainer = find_explainer(method, target)
    _check_options(explainer.info, options or {})
    _check_policy(episodes, policy)
    whole = (meter or Meter(DEFAULT_BUDGET)).child(
        budget or (meter.left if meter else DEFAULT_BUDGET),
        None if time_limit is None else TimeLimit(time_limit),
    )
    task = Task(
        agent=unmetered(agent),
        episodes=episodes,
        meter=whole,
        target=target or explainer.info.targets[0],
        policy=policy or episodes.policy,
        seed=seed,
        jobs=jobs,
        options=dict(options or {}),
        progress=progress or (lambda share: None),
    )
    with kept_workers():
        finding, failure = _find(explainer, task, score=score)
        scores = _scores(explainer, task, finding) if finding is not None and score else ()
    finding = _told_of_time(finding, scores, whole)
    made = _assemble(explainer.info, task, finding, failure, scores, score=score)
    task.progress(1.0)
    origin = provenance(command=command, seed=seed)
    return replace(made, provenance=origin, seconds=time.perf_counter() - started)


def plan_method(
    agent: Agent,
    episodes: Episodes,
    *,
    method: str,
    target: str | None = None,
    policy: PolicyMode | None = None,
    seed: int = 0,
    budget: Cost | None = None,
    options: Mapping[str, Any] | None = None,
) -> Cost:
    """Return the expected work of explaining by one method; its tests use at most the rest.

    Raises:
        BudgetError: The budget is too small for this method.
        CapabilityError: Agent or environment lack what it needs.
    """
    explainer = find_explainer(method, target)
    _check_options(explainer.info, options or {})
    meter = Meter((budget or DEFAULT_BUDGET).share(EXPLAIN_SHARE))
    task = Task(
        MeteredAgent(unmetered(agent), meter),
        episodes,
        meter,
        target or explainer.info.targets[0],
        policy or episodes.policy,
        seed,
        options=dict(options or {}),
    )
    return explainer.plan(task)


def find_explainer(method: str, target: str | None = None) -> Explainer:
    """Return the explainer of a method for a target.

    Raises:
        UnknownNameError: There is no such method.
        InputError: It does not explain that target, nor does one named after both.
    """
    explainer: Explainer = registry.load("explainers", method)()
    if target is None or target in explainer.info.targets:
        return explainer
    for_target = {
        t: f"{method}-{t}" for t in TARGETS if f"{method}-{t}" in registry.names("explainers")
    }
    if target in for_target:
        variant: Explainer = registry.load("explainers", for_target[target])()
        return variant
    known = ", ".join((*explainer.info.targets, *for_target))
    raise InputError(f"{method} cannot explain target {target!r}", hint=f"targets: {known}")


def _check_options(info: ExplainerInfo, options: Mapping[str, Any]) -> None:
    for name in options:
        if name not in info.options:
            raise registry.unknown_name(f"option of {info.name}", name, list(info.options))


def _check_policy(episodes: Episodes, policy: PolicyMode | None) -> None:
    # logs are of the agent that made them; nothing of theirs is run again
    if episodes.spec is not None and policy not in (None, episodes.policy):
        raise InputError(
            f"the episodes were collected with {episodes.policy} actions, not {policy} ones",
            hint=f"collect episodes with policy={policy!r}",
        )


def _metered(task: Task, meter: Meter, agent: Agent, episodes: Episodes) -> Task:
    return replace(
        task,
        agent=MeteredAgent(unmetered(agent), meter),
        episodes=episodes,
        meter=meter,
        progress=lambda share: None,
    )


def _find(
    explainer: Explainer, task: Task, *, score: bool
) -> tuple[Finding | None, PellucidError | None]:
    """Return the finding, or why there is none; only the user's own mistakes raise."""
    share = task.meter.left.share(EXPLAIN_SHARE) if score else task.meter.left
    meter = task.meter.child(share)
    try:
        metered = _metered(task, meter, task.agent, task.episodes)
        told = replace(metered, progress=lambda share: task.progress(share * EXPLAIN_SHARE))
        return explainer.explain(told), None
    except BudgetError as error:
        return None, timely(error, task.meter)
    except (CapabilityError, DataError) as error:
        return None, error
    except InputError:
        raise
    except PellucidError as error:
        return None, error
    except Exception as error:  # a method may raise anything; the run goes on and says so
        logger.exception("%s raised", explainer.info.name)
        return None, PellucidError(
            f"the method raised {type(error).__name__}: {error}", hint="report this to its authors"
        )


def _told_of_time(
    finding: Finding | None, scores: tuple[Score, ...], meter: Meter
) -> Finding | None:
    """Return the finding, marked as not complete if the time limit cut it or its tests short."""
    if finding is None or meter.time_limit is None or not meter.time_is_up:
        return finding
    if finding.complete and not cut_by_time(scores, meter):
        return finding
    warning = f"Stopped early: {meter.time_limit.words} was reached."
    return replace(finding, complete=False, warnings=(*finding.warnings, warning))


def _scores(explainer: Explainer, task: Task, finding: Finding) -> tuple[Score, ...]:
    def explain_fn(agent: Agent, episodes: Episodes, meter: Meter) -> Finding:
        return explainer.explain(_metered(task, meter, agent, episodes))

    return score_finding(
        finding,
        explainer.info,
        agent=task.agent,
        episodes=task.episodes,
        meter=task.meter,
        policy=task.policy,
        seed=task.seed,
        jobs=task.jobs,
        explain_fn=explain_fn,
    )


def _assemble(
    info: ExplainerInfo,
    task: Task,
    finding: Finding | None,
    failure: PellucidError | None,
    scores: tuple[Score, ...],
    *,
    score: bool,
) -> Explanation:
    badge: Badge = "not_measured"
    decisive: Score | None = None
    if finding is None:
        assert failure is not None
        reason, need = str(failure), failure.hint or "a different agent or environment"
    elif not score:
        reason, need = "tests were switched off", "explain again with tests"
    else:
        rerun_possible = task.episodes.spec is not None and info.rerun_tells
        doubt = input_doubt(task.agent, task.episodes)
        verdict = decide(scores, info, finding, rerun_possible=rerun_possible, doubt=doubt)
        badge, decisive, reason, need = verdict
    closed = task.episodes.spec is not None if decisive is None else decisive.closed_loop
    sentences = info.sentences if closed else info.logged_sentences
    facts: Mapping[str, Fact] = _facts(finding, decisive, reason, need, task)
    reaches_zero = decisive is None or not decisive.gap.low > 0
    template = sentences.template(badge, reaches_zero=reaches_zero)
    if badge == "failed" and decisive is not None and decisive.gap.value > 0:
        template = UNSOUND
    template, facts = gain_for_loss(template, facts)
    limits = sentences.does_not_say
    return Explanation(
        method=info.name,
        leaf=info.leaf,
        question=finding.question if finding else info.question,
        target=task.target,
        policy=task.policy,
        content=finding.content if finding else None,
        template=template,
        text=render(template, facts),
        does_not_say=render(limits, facts) if set(fact_names(limits)) <= set(facts) else "",
        facts=facts,
        allowed=task.meter.allowed,
        used=task.meter.used,
        seed=task.seed,
        complete=finding.complete if finding else False,
        faithfulness=scores,
        badge=badge,
        decisive=decisive.metric if decisive else None,
        reason=reason,
        need=need,
        warnings=finding.warnings if finding else (),
        left_out=_left_out(info, finding, failure, scores),
        normalised=normalised(task.agent, task.episodes),
    )


def _left_out(
    info: ExplainerInfo,
    finding: Finding | None,
    failure: PellucidError | None,
    scores: tuple[Score, ...],
) -> tuple[str, ...]:
    """Return one sentence for everything that the budget did not pay for."""
    if finding is None:
        return (f"{info.question} {failure}.",) if isinstance(failure, BudgetError) else ()
    tests = [f"{info.question} Test left out: {s.label}." for s in scores if s.unaffordable]
    return (*finding.left_out, *tests)


def _facts(
    finding: Finding | None, decisive: Score | None, reason: str, need: str, task: Task
) -> dict[str, Fact]:
    facts: dict[str, Fact] = dict(finding.facts) if finding else {}
    facts |= {
        "reason": fact(reason.rstrip(".")),
        "need": fact(need.rstrip(".")),
        "unit": fact(task.episodes.names.reward_unit),
    }
    if decisive is not None:
        interval = decisive.interval
        facts |= {
            "d": fact(interval.value),
            "lo": fact(interval.low),
            "hi": fact(interval.high),
            "n": fact(interval.n),
        }
        if decisive.control is not None:
            facts["r"] = fact(decisive.control.interval.value)
    return facts
