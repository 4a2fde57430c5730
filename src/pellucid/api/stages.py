"""The parts of a run of `pellucid explain`, each made or, if it is stored, loaded."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pellucid.agents import save_agent
from pellucid.api.collecting import collect
from pellucid.api.explaining import explain
from pellucid.api.frames import (
    encode_frames,
    load_frames,
    shown_positions,
    shown_steps,
    store_frames,
)
from pellucid.api.locating import Located, store_card
from pellucid.api.logs import agreement, agreement_words, episodes_of
from pellucid.api.other_seeds import kept_for_other_seeds, read_rows, stabilities, stored_rows
from pellucid.api.request import (
    MIN_EPISODES,
    Request,
    check_moment,
    collection_cap,
    options_of,
    run_order,
    share_of,
    too_few_episodes,
)
from pellucid.api.run_folder import (
    AGENT,
    EPISODES,
    EXPLANATIONS,
    FRAMES,
    OTHER_SEEDS,
    WAYS,
    RunFolder,
)
from pellucid.api.step_views import load_steps, store_steps, view_steps
from pellucid.budget import Cost, Meter
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Explanation
from pellucid.explanation.storage import load_explanation
from pellucid.io import atomic
from pellucid.report.record import EpisodeFrames, EpisodeSteps, SeedStability
from pellucid.rollouts import Episodes, load_episodes, render_frames, save_episodes
from pellucid.rollouts.logs import Log
from pellucid.rollouts.snapshots import probed_steps, probing_facts, remember_probing

FRAMES_SHARE = 0.05
"""Largest share of the environment steps that is kept back for rendering frames."""

Progress = Callable[[str, float], None]
"""Called with the part that is worked on and the share of it that is done."""


@dataclass
class Work:
    """What is known at some moment of a run.

    Args:
        request: What was asked for, checked.
        located: Agent and environment.
        folder: Where the parts are stored.
        meter: What may be used and what was.
        jobs: Worker processes.
        progress: Told of the part that is worked on.
        episodes: The collected episodes; None before they are.
        explanations: Those made so far, in the order in which they run.
        frames: Pictures of the shown episodes by position; None before they are rendered.
        steps: What the choices in them rested on, by position.
        warnings: What the report has to say beside the warnings of its parts.
        stability: How alike the explanations are under other seeds.
    """

    request: Request
    located: Located
    folder: RunFolder
    meter: Meter
    jobs: int
    progress: Progress
    episodes: Episodes | None = None
    explanations: tuple[Explanation, ...] = ()
    frames: Mapping[int, EpisodeFrames] | None = None
    steps: Mapping[int, EpisodeSteps] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    stability: tuple[SeedStability, ...] = ()


def make_parts(work: Work) -> None:
    """Make every part of a run that is missing, and note what is known in `work`.

    Args:
        work: The run; its `episodes`, `explanations`, `frames`, `steps` and `warnings` are set, as
            far as this comes.

    Raises:
        PellucidError: A part cannot be made.
        TimeLimitError: The time is over between two parts.
    """
    # the episodes first: a run whose budget does not pay for them holds no part, and so the same
    # folder can be used with a larger one
    work.episodes = _collected(work)
    _store_agent(work)
    check_moment(work.request, work.episodes)
    kept_back = _kept_back_for_frames(work) + kept_for_other_seeds(work.request)
    methods = run_order(work.request.methods)
    _remember_ways(work)
    for position, method in enumerate(methods):
        work.explanations += (_explained(work, methods[position:], kept_back),)
        if _part_name(method) not in work.folder.parts:
            work.meter.check_time()
    if work.request.other_seeds:
        work.stability = _made_again(work)
    work.frames = _rendered(work)


def _store_agent(work: Work) -> None:
    if work.folder.part(AGENT) is not None:
        return
    place = work.folder.path / AGENT
    try:
        seen = None if work.episodes is None else work.episodes.visited
        save_agent(work.located.agent, place, seen=seen)
    except CapabilityError:
        store_card(work.located, place)
    work.folder.finish_part(AGENT, Cost(), 0.0)


def _collected(work: Work) -> Episodes:
    """Return the episodes, stored ones if there are any."""
    folder, request = work.folder, work.request
    place = folder.path / EPISODES
    part = folder.part(EPISODES)
    if part is not None:
        _charge(work.meter, part.used)
        # an environment that is made by code in memory is not stored, and is the one given again
        stored: Episodes = load_episodes(place)
        return replace(stored, spec=None if work.located.log else work.located.spec)
    if work.located.log is not None:
        return _recorded(work, work.located.log)
    started = time.perf_counter()
    max_steps = work.located.spec.max_steps
    meter = work.meter.child(collection_cap(request, max_steps))
    work.progress("episodes", 0.0)
    episodes: Episodes
    try:
        episodes = collect(
            work.located.agent,
            work.located.spec,
            n_episodes=request.n_episodes,
            seed=request.seed,
            policy=request.policy,
            meter=meter,
            jobs=work.jobs,
            names=request.names,
            progress=lambda share: work.progress("episodes", share),
        )
    except BudgetError as error:
        raise too_few_episodes(request, 0, max_steps) from error
    if len(episodes.attempted) < request.n_episodes:
        meter.check_time()  # not stored: the folder that is resumed collects them all
    n_collected = len(episodes.attempted)
    if n_collected < min(MIN_EPISODES, request.n_episodes):
        raise too_few_episodes(request, n_collected, max_steps)
    place.mkdir(exist_ok=True)
    save_episodes(episodes, place)
    folder.finish_part(EPISODES, meter.used, time.perf_counter() - started)
    return episodes


def _recorded(work: Work, log: Log) -> Episodes:
    """Store the episodes of a log, and how far the agent does what was logged."""
    started = time.perf_counter()
    episodes = episodes_of(log, work.request.names)
    meter = work.meter.child(work.meter.left)
    share = agreement(work.located.agent, episodes, meter)
    if share is not None:
        episodes = replace(episodes, warnings=(*episodes.warnings, agreement_words(share)))
    place = work.folder.path / EPISODES
    place.mkdir(exist_ok=True)
    save_episodes(episodes, place)
    work.folder.finish_part(EPISODES, meter.used, time.perf_counter() - started)
    return episodes


def _explained(work: Work, methods: Sequence[str], kept_back: Cost) -> Explanation:
    """Return the explanation by the first of the methods that are left, stored or made now.

    One that the time limit cut short is not stored.

    Raises:
        TimeLimitError: The time is over before it.
    """
    assert work.episodes is not None
    method = methods[0]
    folder, request = work.folder, work.request
    name = _part_name(method)
    part = folder.part(name)
    if part is not None:
        _charge(work.meter, part.used)
        return load_explanation(folder.path / name)
    work.meter.check_time()
    work.progress(method, 0.0)
    explanation = explain(
        work.located.agent,
        work.episodes,
        method=method,
        policy=request.policy,
        seed=request.seed,
        meter=work.meter.child(share_of(work.meter.left - kept_back, methods)),
        jobs=work.jobs,
        options=options_of(method, request.options),
        progress=lambda done: work.progress(method, done),
        command=str(folder.head["command"]),
    )
    explanation = _without_shared(work, explanation)
    if not explanation.complete and work.meter.time_is_up:
        return explanation
    (folder.path / EXPLANATIONS).mkdir(exist_ok=True)
    explanation.save(folder.path / name)
    folder.finish_part(name, explanation.used, explanation.seconds)
    return explanation


def _remember_ways(work: Work) -> None:
    """Take up how steps are returned to, where an earlier session has found it out."""
    part = work.folder.part(WAYS)
    if part is not None and work.episodes is not None:
        _charge(work.meter, part.used)
        remember_probing(work.episodes, part.facts)


def _without_shared(work: Work, explanation: Explanation) -> Explanation:
    """Return an explanation whose cost is its own, and list apart what all methods share.

    How the environment returns to a step is found out once, by the first method that has to.
    """
    assert work.episodes is not None
    steps = probed_steps(work.episodes)
    if not steps or WAYS in work.folder.parts:
        return explanation
    shared = Cost(env_steps=steps)
    work.folder.finish_part(WAYS, shared, 0.0, probing_facts(work.episodes))
    return replace(explanation, used=explanation.used - shared)


def _made_again(work: Work) -> tuple[SeedStability, ...]:
    """Return how alike the explanations are under other seeds, as stored or measured now."""
    assert work.episodes is not None
    part = work.folder.part(OTHER_SEEDS)
    if part is not None:
        _charge(work.meter, part.used)
        return read_rows(part.facts["rows"])
    started = time.perf_counter()
    meter = work.meter.child(work.meter.left - _kept_back_for_frames(work))
    rows = stabilities(
        work.explanations,
        work.located.agent,
        work.episodes,
        work.request,
        meter,
        lambda share: work.progress("other seeds", share),
    )
    facts = {"rows": stored_rows(rows)}
    work.folder.finish_part(OTHER_SEEDS, meter.used, time.perf_counter() - started, facts)
    return rows


def _part_name(method: str) -> str:
    return f"{EXPLANATIONS}/{atomic.safe_name(method)}"


def _kept_back_for_frames(work: Work) -> Cost:
    """Return the environment steps of the episodes that will be shown, within a small share."""
    assert work.episodes is not None
    episodes = work.episodes
    shown = sum(len(episodes[position]) for position in shown_positions(episodes))
    longest = max((len(episode) for episode in episodes.used), default=0)
    most = work.meter.left.share(FRAMES_SHARE).env_steps
    # which other episodes will be explained is not known yet; room for two of them
    return Cost(env_steps=min(shown + 2 * longest, most))


def _rendered(work: Work) -> Mapping[int, EpisodeFrames]:
    """Return frames of the episodes worth showing, stored ones if there are any.

    What the choices in them rested on is set beside them.
    """
    assert work.episodes is not None
    folder = work.folder
    part = folder.part(FRAMES)
    if part is None:
        started = time.perf_counter()
        meter = work.meter.child(work.meter.left)
        work.progress("frames", 0.0)
        positions = shown_positions(work.episodes, work.explanations)
        views = view_steps(work.located.agent, work.episodes, positions, meter=meter)
        work.steps = views.steps
        store_steps(views.steps, folder.path / FRAMES)
        steps = shown_steps(work.episodes, positions, work.explanations, views.steps)
        rendered = render_frames(work.episodes, positions, meter=meter, steps=steps)
        frames = encode_frames(rendered)
        sizes = store_frames(frames, folder.path / FRAMES)
        missing = " ".join(filter(None, (rendered.reason, views.reason)))
        facts = {"sizes": sizes, "missing": missing}
        part = folder.finish_part(FRAMES, meter.used, time.perf_counter() - started, facts)
    else:
        _charge(work.meter, part.used)
        frames = load_frames(folder.path / FRAMES, part.facts.get("sizes"))
        work.steps = load_steps(folder.path / FRAMES)
    if part.facts.get("missing"):
        work.warnings += (str(part.facts["missing"]),)
    return frames


def _charge(meter: Meter, used: Cost) -> None:
    meter.charge(queries=used.queries, env_steps=used.env_steps, gradient_steps=used.gradient_steps)
