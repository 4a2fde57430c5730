"""Find the agent, its environment, and what its maker recorded about it."""

import inspect
import io
import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from pellucid.agents import agent_sha256, load_agent
from pellucid.agents.folder import CARD
from pellucid.agents.folder import SCHEMA as CARD_SCHEMA
from pellucid.agents.function import NAME as FUNCTION
from pellucid.agents.loading import PICKLES
from pellucid.agents.normalisation import stated, statistics_of, without_normalisation
from pellucid.agents.recorded import recorded_agent
from pellucid.agents.zoo import ZooFolder, find_zoo
from pellucid.api.input_facts import input_facts
from pellucid.api.logs import is_log, read_log, spaces_of_log
from pellucid.api.notes import fitting_notes
from pellucid.api.run_folder import AGENT, RUN_FILE, read_run
from pellucid.api.zoo import check_wrappers, zoo_warnings
from pellucid.envs import EnvSpec
from pellucid.envs.fitting import fitted, foreign_code, resolve_env
from pellucid.errors import DataError, InputError
from pellucid.explanation import Interval
from pellucid.io import atomic, strict_json
from pellucid.io.imports import is_import_string
from pellucid.io.records import stamp
from pellucid.provenance import sha256_file
from pellucid.report.record import AgentFacts
from pellucid.rollouts.logs import Log
from pellucid.stats import mean_interval
from pellucid.types import Agent

SHIPPED = Path(__file__).parent.parent / "agents" / "shipped" / "lunarlander"
"""The agent that `explain` uses when none is named."""

EVALUATIONS = "evaluations.npz"
MAX_CARD_BYTES = 4 * 1024**2
MAX_EVALUATION_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class Located:
    """An agent that is loaded and an environment that was made once.

    Args:
        agent: The agent.
        spec: Its environment.
        facts: What is known of the agent.
        expected_steps: Steps of an episode that its maker recorded, None if there is no record.
        source: The import string that it came from; empty for files and objects.
        asked: What else the user said of the agent and changes results, where they did.
        notes: What was changed between environment and agent, one sentence each.
        warnings: What the reader should know of how agent and environment were found.
        log: The recorded episodes, if they take the place of an environment.
    """

    agent: Agent
    spec: EnvSpec
    facts: AgentFacts
    expected_steps: float | None
    source: str = ""
    asked: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    log: Log | None = None


def locate(
    agent: Any = None,
    env: Any = None,
    *,
    wrappers: Sequence[str] = (),
    reward_terms: str | None = None,
    device: str = "cpu",
    policy_class: str | None = None,
    outputs: str | None = None,
    code: Sequence[str] = (),
    normalize: str | Path | None = None,
    logs: str | Path | None = None,
    n_episodes: int = 20,
) -> Located:
    """Load an agent and resolve its environment.

    Args:
        agent: What `load_agent` takes, a run folder, or None for the agent that ships in the
            package.
        env: What `resolve_env` takes; None for the one that the agent's card names.
        wrappers: `module:callable` of each wrapper, innermost first.
        reward_terms: `module:callable` that splits the reward.
        device: Device of the agent's weights.
        policy_class: `module:Class` of the network whose weights a file holds.
        outputs: What a torch module returns, if it is not the usual.
        code: Each `module:callable` that a stored run names and that may be imported.
        normalize: File with the statistics of the agent's inputs, or `none`.
        logs: Recorded episodes in place of an environment; a log may also be named as the agent.
        n_episodes: How many episodes to read of a log.

    Raises:
        InputError: One of them cannot be found, opened or fitted to the other.
    """
    if logs is None and is_log(agent):
        agent, logs, unknown = None, agent, True
    else:
        unknown = False
    log = None if logs is None else read_log(logs, n_episodes=n_episodes)
    if log is not None:
        _check_log_options(env, wrappers, reward_terms)
    if log is not None and unknown:
        return _located_log(log)
    source, card, zoo = _source(agent)
    if zoo is not None:
        check_wrappers(zoo, env, wrappers)
    if log is not None:
        spec = _log_spec(log)
    else:
        named = _card_env(card, code) if env is None else EnvSpec("")
        spec = resolve_env(
            named.id if env is None else env,
            wrappers=(*named.wrappers, *wrappers),
            kwargs=named.kwargs,
            reward_terms=reward_terms or named.reward_terms,
        )
    loaded = load_agent(
        source,
        env=spec if log is None else log,
        device=device,
        policy_class=policy_class,
        outputs=outputs,
        code=code,
        normalize=normalize,
    )
    given = spec
    if log is None:
        spec = fitted(spec, loaded.observation_space)
    imported = isinstance(source, str) and is_import_string(source) and not Path(source).exists()
    return Located(
        loaded,
        spec,
        agent_facts(loaded, source, card),
        _recorded_steps(card),
        source if imported else "",
        _asked(loaded, policy_class=policy_class, outputs=outputs, log=_log_sha256(log)),
        fitting_notes(loaded, spec, given) if log is None else (),
        zoo_warnings(zoo, spec) if zoo is not None and log is None else (),
        log,
    )


def _located_log(log: Log) -> Located:
    """Return a log of which nobody gave the agent."""
    agent = recorded_agent(f"logged in {Path(log.source).name}", spaces_of_log(log), log.sha256)
    facts, asked = agent_facts(agent, None, {}), {"log": log.sha256}
    return Located(agent, _log_spec(log), facts, None, asked=asked, log=log)


def _log_spec(log: Log) -> EnvSpec:
    # nothing is made from it: it tells which log the run is of
    longest = max((len(e) for e in log.attempted), default=1)
    return EnvSpec(log.source, max_steps=longest)


def _log_sha256(log: Log | None) -> str | None:
    return None if log is None else log.sha256


def _check_log_options(env: Any, wrappers: Sequence[str], reward_terms: str | None) -> None:
    given = {"--env": env, "--wrap": wrappers or None, "--reward-terms": reward_terms}
    for option, value in given.items():
        if value is not None:
            raise InputError(
                f"{option} is for environments, and recorded episodes take the place of one",
                hint=f"leave {option} or the log out",
            )


def agent_facts(agent: Agent, source: Any, card: Mapping[str, Any]) -> AgentFacts:
    """Return what is known of an agent beside its behaviour.

    Args:
        agent: The agent.
        source: What it was loaded from.
        card: Its card, checked by `load_agent`; may be empty.
    """
    recorded, recorded_source = recorded_return(source, card)
    statistics = statistics_of(agent)
    return AgentFacts(
        name=agent.name,
        framework=agent.framework,
        sha256=agent_sha256(agent),
        observation_space=" ".join(str(agent.observation_space).split()),
        action_space=" ".join(str(agent.action_space).split()),
        capabilities=tuple(sorted(agent.capabilities)),
        n_parameters=int(getattr(agent, "n_parameters", 0)),
        recorded=recorded,
        recorded_source=recorded_source,
        purpose=str(card.get("purpose") or ""),
        normalised=stated(agent)[0],
        statistics_source=statistics.source if statistics is not None else "",
        **input_facts(agent, card, statistics),
    )


def code_sha256(agent: Agent) -> str:
    """Return the SHA-256 of the file that an agent's code is in; empty if there is none.

    It stands for the function, or for the network of a class that was named, when a run is
    resumed: other code is another agent.
    """
    agent = without_normalisation(agent)
    code = getattr(agent, "function", None)
    if code is None and getattr(agent, "card", {}).get("source"):
        code = type(getattr(getattr(agent, "network", None), "module", None))
    try:
        file = inspect.getsourcefile(inspect.unwrap(code)) if callable(code) else None
        return sha256_file(file) if file is not None else ""
    except (TypeError, OSError):  # built in, or typed into a prompt
        return ""


def _asked(agent: Agent, **said: str | None) -> dict[str, str]:
    statistics, (state, _) = statistics_of(agent), stated(agent)
    found = {name: value for name, value in said.items() if value is not None}
    if statistics is not None:
        found["normalize_sha256"] = statistics.sha256
    elif state:
        found["normalised"] = state
    return found


# --- the card ---


def read_card(source: Any) -> Mapping[str, Any]:
    """Return the card in an agent's folder; empty if the source is no such folder.

    Raises:
        DataError: There is one, and it is damaged.
    """
    if not isinstance(source, str | Path) or not (Path(source) / CARD).is_file():
        return {}
    card = strict_json.read(Path(source) / CARD, max_bytes=MAX_CARD_BYTES)
    if not isinstance(card, dict):
        raise DataError(f"{Path(source) / CARD} is no card of an agent")
    return card


def store_card(located: Located, folder: Path) -> None:
    """Write the card of an agent that is code and cannot be stored; it tells where the code is."""
    card = {
        **getattr(located.agent, "card", {}),
        **stamp(CARD_SCHEMA),
        "kind": "agent",
        "name": located.agent.name,
        "adapter": FUNCTION,
        "framework": located.agent.framework,
        "source": located.source,
    }
    folder.mkdir(parents=True, exist_ok=True)
    atomic.write_text(folder / CARD, strict_json.dumps(card, indent=1) + "\n")


def _source(agent: Any) -> tuple[Any, Mapping[str, Any], ZooFolder | None]:
    """Return what to load, its card and its training folder.

    A run folder stands for the agent stored in it, a training folder for the archive in it.
    """
    if agent is None:
        return SHIPPED, read_card(SHIPPED), None
    if not isinstance(agent, str | Path):
        return agent, {}, None
    missing = not Path(agent).exists() and not is_import_string(str(agent))
    if missing or Path(agent).suffix in PICKLES:
        load_agent(agent)  # says what is wrong with the path before anything else is looked at
    if not (Path(agent) / RUN_FILE).is_file():
        card = read_card(agent)
        zoo = None if card else find_zoo(Path(agent))
        if zoo is None:
            return agent, card, None
        return zoo.archive, {"env": {"id": zoo.env, "kwargs": zoo.env_kwargs}}, zoo
    inputs = read_run(Path(agent)).head["inputs"]
    source = Path(agent) / AGENT
    env = {
        "id": inputs.get("env"),
        "kwargs": inputs.get("env_kwargs"),
        "wrappers": inputs.get("wrappers"),
        "reward_terms": inputs.get("reward_terms"),
    }
    return source, {"env": env, **read_card(source)}, None


def _card_env(card: Mapping[str, Any], code: Sequence[str]) -> EnvSpec:
    """Return the environment that a card names, if naming it cannot run code of a stranger.

    Args:
        card: The card, or what a stored run says of its environment.
        code: What the user allows to import.
    """
    named = card.get("env")
    fields = named if isinstance(named, Mapping) else {"id": named}
    name, kwargs = fields.get("id"), fields.get("kwargs") or {}
    wrappers, terms = fields.get("wrappers") or [], fields.get("reward_terms")
    texts = isinstance(wrappers, list) and all(isinstance(w, str) for w in [*wrappers, terms or ""])
    if not isinstance(name, str) or not name or not isinstance(kwargs, Mapping) or not texts:
        raise InputError(
            "no environment is named, and the agent does not name one",
            hint="give --env, such as --env LunarLander-v3",
        )
    # a card is a file from anywhere: code is imported only if the user names it
    needed = [*([name] if ":" in name else []), *wrappers, *([terms] if terms else [])]
    unknown = list(dict.fromkeys(n for n in foreign_code(needed) if n not in code))
    if unknown:
        source = card.get("source")  # the agent's own code, so that one answer names all of it
        own = [source] if isinstance(source, str) and is_import_string(source) else []
        options = " ".join(f"--code {n}" for n in (*unknown, *own) if n not in code)
        raise InputError(
            f"the agent's card names code for its environment: {', '.join(unknown)}",
            hint=f"if you trust it, add {options}; or name the environment yourself, with --env",
        )
    return EnvSpec(name, dict(kwargs), tuple(wrappers), reward_terms=terms or None)


def _recorded_steps(card: Mapping[str, Any]) -> float | None:
    recorded = card.get("recorded_return")
    steps = recorded.get("mean_steps") if isinstance(recorded, Mapping) else None
    if not isinstance(steps, int | float) or not math.isfinite(steps) or steps <= 0:
        return None
    return float(steps)


# --- the recorded return ---


def recorded_return(source: Any, card: Mapping[str, Any]) -> tuple[Interval | None, str]:
    """Return the return that an agent's maker recorded, and where; None if there is no record.

    A card's `recorded_return` comes first, then the `evaluations.npz` that Stable-Baselines3's
    evaluation callback leaves beside the file.
    """
    recorded = card.get("recorded_return")
    if isinstance(recorded, Mapping):
        return _card_interval(recorded), str(recorded.get("source") or "its card")
    if not isinstance(source, str | Path):
        return None, ""
    path = Path(source)
    beside = path.parent / EVALUATIONS
    if not path.is_file() or not beside.is_file():
        return None, ""
    results = read_evaluations(beside)
    if results is None:
        return None, ""
    means = results.mean(axis=1)
    # the callback saves `best_model` after the evaluation with the highest mean
    best = path.stem == "best_model"
    row = int(means.argmax()) if best else len(means) - 1
    which = "best" if best else "last"
    return mean_interval(results[row]), f"{EVALUATIONS} beside the file, {which} evaluation"


def read_evaluations(path: Path) -> Float[np.ndarray, "evaluations episodes"] | None:
    """Return the returns in an `evaluations.npz`; None if the file does not hold any.

    It is only a record to compare with, so a file that is damaged counts as no record.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("results.npy").file_size > MAX_EVALUATION_BYTES:
                return None
            results = _numbers(archive.read("results.npy"))
    except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError):
        return None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, SyntaxError):
        return None
    usable = results.ndim == 2 and results.shape[0] > 0 and results.shape[1] > 0
    return results if usable and bool(np.isfinite(results).all()) else None


def _numbers(content: bytes) -> Float[np.ndarray, "..."]:
    """Return the array in the bytes of an `.npy` file whose header fits its size.

    Raises:
        ValueError: It does not: NumPy would set aside whatever memory the header asks for.
    """
    file = io.BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("not the version that NumPy writes")
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(file)
    data = content[file.tell() :]
    if dtype.kind not in "biuf" or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError("its header does not fit its content")
    numbers = np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C")
    return numbers.astype(np.float64)


def _card_interval(recorded: Mapping[str, Any]) -> Interval:
    # `load_agent` has checked the card before
    mean, low, high = (float(recorded[key]) for key in ("mean", "low", "high"))
    return Interval(mean, low, high, int(recorded["n"]))
