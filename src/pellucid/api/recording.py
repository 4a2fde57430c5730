"""Makes the record that a report is written from, out of the parts of a run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium

from pellucid import registry
from pellucid.api.locating import Located
from pellucid.api.logs import episodes_of
from pellucid.api.request import Request
from pellucid.api.run_folder import (
    AGENT,
    EPISODES,
    EXPLANATIONS,
    REPORT_FILES,
    WAYS,
    RunFolder,
)
from pellucid.budget import Cost
from pellucid.envs import make_env, resolve_names
from pellucid.envs.described import described
from pellucid.errors import DataError
from pellucid.explanation import Explanation, Fact, fact, render
from pellucid.explanation.wording import gain_for_loss
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.input_doubt import input_doubt
from pellucid.faithfulness.standing import standing_of
from pellucid.io import strict_json
from pellucid.provenance import sha256_file, versions
from pellucid.report.record import EpisodeFrames, EpisodeSteps, RunRecord, SeedStability
from pellucid.report.write import write_report
from pellucid.rollouts import Episodes
from pellucid.stats import mean_interval

STOPPED = "the run was stopped"


def make_record(
    request: Request,
    located: Located,
    folder: RunFolder,
    *,
    episodes: Episodes | None,
    explanations: Sequence[Explanation],
    frames: Mapping[int, EpisodeFrames],
    steps: Mapping[int, EpisodeSteps],
    used: Cost,
    warnings: Sequence[str],
    stability: Sequence[SeedStability] = (),
    stopped: str = "",
) -> RunRecord:
    """Return the record of a run, finished or stopped.

    Args:
        request: What was asked for.
        located: Agent and environment.
        folder: Gives id, time, command, costs and hashes.
        episodes: None if it was stopped before they were collected.
        explanations: Those that are done.
        frames: By position in `episodes.used`.
        steps: Likewise.
        used: What was used in all.
        warnings: Of the parts.
        stability: Of the explanations under other seeds.
        stopped: Why the run did not reach its end: badges are lowered to weak, and what was not
            reached is not measured. Empty for a run that did.
    """
    shown = episodes if episodes is not None else _no_episodes(request, located)
    n_asked = request.n_episodes if located.log is None else 0
    done = {e.method: e for e in explanations}
    made = tuple(done[method] for method in request.methods if method in done)
    banner = ""
    if stopped:
        # an explanation that was cut short is there and not stored
        n_done = sum(name.startswith(EXPLANATIONS) for name in folder.parts)
        banner = _banner(stopped, n_done, len(request.methods), collected=episodes is not None)
        made = tuple(
            lowered(done[m]) if m in done else not_reached(m, request, shown, stopped)
            for m in request.methods
        )
    return RunRecord(
        run_id=folder.run_id,
        time=str(folder.head["time"]),
        agent=located.facts,
        episodes=shown,
        returns=mean_interval(shown.returns),
        explanations=made,
        command=str(folder.head["command"]),
        allowed=request.allowed,
        used=used,
        costs={
            _part_title(name): part.used for name, part in folder.parts.items() if name != AGENT
        },
        left_out=left_out(replace(request, n_episodes=n_asked), shown, made),
        warnings=(
            *_doubts(located, shown),
            *located.notes,
            *located.warnings,
            *_warnings(shown),
            *warnings,
        ),
        versions=versions(),
        hashes=_hashes(folder, located),
        state="partial" if stopped else "finished",
        banner=banner,
        seconds=folder.seconds,
        frames=frames,
        steps=steps,
        planted={e.method: standing_of(e.method, check=False).words for e in made},
        success_return=_success_return(located.spec.id),
        stability=tuple(stability),
        n_other_seeds=request.other_seeds,
        way=_way(folder),
    )


def _way(folder: RunFolder) -> str:
    part = folder.parts.get(WAYS)
    return str(part.facts.get("kind", "")) if part is not None else ""


def write_run_report(
    record: RunRecord, folder: Path, *, write: bool
) -> tuple[Path, dict[str, Any]]:
    """Write the report, or take the one that is there; return its path and `report.json`.

    In what is returned, `report` is the path as the user can open it.
    """
    html, data = (folder / name for name in REPORT_FILES)
    if write or not html.is_file() or not data.is_file():
        html = write_report(record, folder)
    document = strict_json.read(data)
    if not isinstance(document, dict):
        raise DataError(f"{data} is no report", hint="start again with --fresh")
    return html, {**document, "report": str(html)}


def left_out(
    request: Request, episodes: Episodes, explanations: Sequence[Explanation]
) -> tuple[str, ...]:
    """Return one sentence for everything that the budget did not pay for."""
    sentences = []
    n_attempted = len(episodes.attempted)
    if 0 < n_attempted < request.n_episodes:
        sentences.append(f"The budget paid for {n_attempted} of {request.n_episodes} episodes.")
    told = [(e, *text.partition("?")) for e in explanations for text in e.left_out]
    asked = Counter(question for _, question in {(e.method, question) for e, question, *_ in told})
    for explanation, question, mark, rest in told:
        by = f" (by {explanation.method})" if asked[question] > 1 else ""
        sentences.append(f"{question}{mark}{by}{rest}")
    return tuple(sentences)


# --- a run that was stopped ---


def lowered(explanation: Explanation) -> Explanation:
    """Return an explanation of a run that was stopped: supported becomes weak."""
    if explanation.badge != "supported":
        return explanation
    info = registry.load("explainers", explanation.method).info
    # a badge that was supported rests on no test that a re-run could have bettered
    scores = tuple(
        judge(score, complete=False, rerun_possible=False) for score in explanation.faithfulness
    )
    decisive = next(s for s in scores if s.metric == explanation.decisive)
    sentences = info.sentences if decisive.closed_loop else info.logged_sentences
    # it does not reach zero, or it would not have been supported; what is weak is the reason
    facts: Mapping[str, Fact] = {**explanation.facts, "reason": fact(decisive.reason)}
    template, facts = gain_for_loss(sentences.template("weak", reaches_zero=False), facts)
    return replace(
        explanation,
        complete=False,
        faithfulness=scores,
        badge="weak",
        reason=decisive.reason,
        facts=facts,
        template=template,
        text=render(template, facts),
    )


def not_reached(
    method: str, request: Request, episodes: Episodes, stopped: str = STOPPED
) -> Explanation:
    """Return the explanation that a run was stopped before."""
    info = registry.load("explainers", method).info
    reason = f"{stopped} before it"
    need = "run it again with the same --out to go on"
    facts = {
        "reason": fact(reason),
        "need": fact(need),
        "unit": fact(episodes.names.reward_unit),
    }
    template = info.sentences.not_measured
    return Explanation(
        method=method,
        leaf=info.leaf,
        question=info.question,
        target=info.targets[0],
        policy=request.policy,
        content=None,
        template=template,
        text=render(template, facts),
        does_not_say="",
        facts=facts,
        allowed=Cost(),
        used=Cost(),
        seed=request.seed,
        complete=False,
        reason=reason,
        need=need,
    )


def _banner(stopped: str, n_done: int, n_methods: int, *, collected: bool) -> str:
    cause = "" if stopped == STOPPED else f": {stopped}"
    if not collected:
        return f"Stopped while episodes were collected{cause}; nothing was explained."
    return f"Stopped after {n_done} of {n_methods} explanations{cause}; badges are lowered to weak."


def _no_episodes(request: Request, located: Located) -> Episodes:
    if located.log is not None:
        return replace(episodes_of(located.log, request.names), attempted=())
    probe = make_env(located.spec)
    try:
        found = resolve_names(located.spec, probe, request.names)
        names = described(found, probe.observation_space, probe.action_space)
    finally:
        probe.close()
    return Episodes((), located.spec, names, request.seed, request.policy)


# --- small parts ---


def _doubts(located: Located, episodes: Episodes) -> list[str]:
    doubt = input_doubt(located.agent, episodes)
    way_out = "--normalize stats.json gives them, --normalize none says that there are none"
    told = (
        f"This may not be the agent that was meant: {doubt}. No badge is more than weak; {way_out}"
    )
    return [told] if doubt else []


def _warnings(episodes: Episodes) -> list[str]:
    found = list(episodes.warnings)
    n_bad, n = len(episodes.excluded), len(episodes.attempted)
    if n_bad:
        failure = episodes.excluded[0].failure
        assert failure is not None
        found.append(
            f"{n_bad} of {n} episodes failed and are left out; the first: {failure.kind}, "
            f"step {failure.step}, {failure.message}"
        )
    if episodes.names.source == "none":
        found.append("Inputs and actions have no names; a file given with --names provides them.")
    return found


def _part_title(name: str) -> str:
    if name == WAYS:
        return "finding out how to return to a step, for all methods"
    return name.removeprefix(f"{EXPLANATIONS}/")


def _hashes(folder: RunFolder, located: Located) -> dict[str, str]:
    hashes = {"agent file": located.facts.sha256} if located.facts.sha256 else {}
    card = folder.path / AGENT / "card.json"
    weights = folder.path / AGENT / "weights.safetensors"
    if card.is_file():
        hashes["agent/card.json"] = sha256_file(card)
    if weights.is_file():
        hashes["agent/weights.safetensors"] = sha256_file(weights)
    stored = folder.parts.get(EPISODES)
    if stored is not None:
        hashes["episodes"] = stored.sha256
    return hashes


def _success_return(env_id: str) -> float | None:
    spec = gymnasium.registry.get(env_id)
    return None if spec is None or spec.reward_threshold is None else float(spec.reward_threshold)
