"""Ask one question about one agent: what `pellucid query` does."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pellucid.api.collecting import collect
from pellucid.api.explaining import explain
from pellucid.api.locating import Located, locate
from pellucid.api.logs import episodes_of
from pellucid.api.request import (
    DEFAULT_ENV_STEPS,
    DEFAULT_EPISODES,
    DEFAULT_QUERIES,
    Request,
    collection_cap,
    make_request,
)
from pellucid.api.run_folder import EPISODES, RUN_FILE, read_run
from pellucid.api.turns import taking_turns
from pellucid.budget import Meter
from pellucid.explanation import Explanation
from pellucid.rollouts import Episodes, load_episodes

METHOD = "policy-queries"


@taking_turns
def query(
    agent: Any = None,
    env: Any = None,
    *,
    options: Mapping[str, Any],
    method: str = METHOD,
    n_episodes: int = DEFAULT_EPISODES,
    seed: int = 0,
    budget: int = DEFAULT_QUERIES,
    env_steps: int = DEFAULT_ENV_STEPS,
    policy: str = "greedy",
    wrappers: Sequence[str] = (),
    names: str | Path | None = None,
    policy_class: str | None = None,
    outputs: str | None = None,
    code: Sequence[str] = (),
    normalize: str | Path | None = None,
    logs: str | Path | None = None,
    jobs: int = 1,
    command: str = "",
) -> Explanation:
    """Answer one question about an agent; nothing is written.

    Calls from several threads take turns.

    Args:
        agent: As for `explain_all`; the recorded episodes of a run folder are asked as they are.
        env: As for `explain_all`.
        options: The question: what the method takes (`pellucid list explainers`).
        method: The method that answers it.
        n_episodes: Episodes to collect, or to read of a log.
        seed: Seed of everything.
        budget: Agent queries, collecting and tests included.
        env_steps: Environment steps, likewise.
        policy: `greedy` (most-likely actions) or `sampled`.
        wrappers: As for `explain_all`.
        names: As for `explain_all`.
        policy_class: As for `explain_all`.
        outputs: As for `explain_all`.
        code: As for `explain_all`.
        normalize: As for `explain_all`.
        logs: As for `explain_all`.
        jobs: Worker processes; results do not depend on it.
        command: What provenance records as the command.

    Raises:
        PellucidError: Something that was given cannot be used.
    """
    request = make_request(
        methods=(method,),
        n_episodes=n_episodes,
        seed=seed,
        budget=budget,
        env_steps=env_steps,
        policy=policy,
        episode=None,
        step=None,
        names=names,
    )
    located = locate(
        agent,
        env,
        wrappers=wrappers,
        policy_class=policy_class,
        outputs=outputs,
        code=code,
        normalize=normalize,
        logs=logs,
        n_episodes=n_episodes,
    )
    meter = Meter(request.allowed)
    episodes = _episodes(request, located, agent, meter, jobs)
    answer: Explanation = explain(
        located.agent,
        episodes,
        method=method,
        seed=seed,
        meter=meter,
        jobs=jobs,
        options=dict(options),
        command=command,
    )
    return answer


def _episodes(request: Request, located: Located, agent: Any, meter: Meter, jobs: int) -> Episodes:
    """Return the episodes of a log or a run folder, or new ones."""
    if located.log is not None:
        return episodes_of(located.log, request.names)
    folder = Path(agent) if isinstance(agent, str | Path) else None
    if folder is not None and (folder / RUN_FILE).is_file():
        run = read_run(folder)
        if run.part(EPISODES) is not None:
            stored: Episodes = load_episodes(folder / EPISODES)
            return replace(stored, spec=located.spec)
    found: Episodes = collect(
        located.agent,
        located.spec,
        n_episodes=request.n_episodes,
        seed=request.seed,
        policy=request.policy,
        meter=meter.child(collection_cap(request, located.spec.max_steps)),
        jobs=jobs,
        names=request.names,
    )
    return found
