"""Finds the adapter for whatever the user gives, without importing the others."""

import logging
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid import registry
from pellucid.agents.adapter import LoadRequest
from pellucid.agents.input_statistics import InputStatistics
from pellucid.agents.metering import unmetered
from pellucid.agents.normalisation import stated, with_card, with_statistics
from pellucid.agents.spaces import Spaces, require_equal
from pellucid.agents.zoo import find_zoo
from pellucid.envs.fitting import resolve_env
from pellucid.envs.resolve import make_env
from pellucid.envs.rows import as_array_space
from pellucid.envs.spec import EnvSpec
from pellucid.errors import ArtifactError, InputError, PluginError
from pellucid.io.imports import import_object, is_import_string
from pellucid.types import Agent

if TYPE_CHECKING:
    import gymnasium

logger = logging.getLogger(__name__)

# by ending and by type name, so that an adapter is imported only for what it loads; a test holds
# these against what the adapters say of themselves
SUFFIXES = {
    ".zip": "stable-baselines3",
    ".pth": "torch",
    ".pt": "torch",
    ".safetensors": "torch",
    ".skops": "scikit-learn",
}
TYPE_NAMES = {
    # those of sb3-contrib first: they are models of Stable-Baselines3 too
    "sb3_contrib.qrdqn.qrdqn.QRDQN": "sb3-contrib",
    "sb3_contrib.tqc.tqc.TQC": "sb3-contrib",
    "sb3_contrib.ppo_mask.ppo_mask.MaskablePPO": "sb3-contrib",
    "sb3_contrib.ppo_recurrent.ppo_recurrent.RecurrentPPO": "sb3-contrib",
    "stable_baselines3.common.base_class.BaseAlgorithm": "stable-baselines3",
    "torch.nn.modules.module.Module": "torch",
    "sklearn.base.BaseEstimator": "scikit-learn",
}
PICKLES = (".pkl", ".pickle", ".joblib", ".dill")
"""Endings of files that run code as they are opened, and are refused."""
_PICKLE_HEAD = 4096
_VEC_NORMALIZE = b"stable_baselines3.common.vec_env.vec_normalize"
_TORCH = "torch"
_CARD = "card.json"


def load_agent(
    source: Any,
    *,
    env: "str | EnvSpec | gymnasium.Env[Any, Any] | None" = None,
    device: str = "cpu",
    name: str = "",
    policy_class: str | None = None,
    outputs: str | None = None,
    code: Sequence[str] = (),
    normalize: "str | Path | InputStatistics | None" = None,
) -> Agent:
    """Return an agent made from a file, a folder, an import string or an object in memory.

    Opening a file never runs what is in it. `module:callable` and `policy_class` import the user's
    own code; the working directory is importable.

    Args:
        source: `file.zip` of Stable-Baselines3, a folder with `card.json`, `weights.pth` or
            `.safetensors` with `policy_class`, `estimator.skops`, `module:callable`, a torch
            module, a Stable-Baselines3 model, an estimator of scikit-learn, a function from
            observations to actions, or an agent.
        env: The environment that it was made for; folders and models carry their own spaces.
        device: Where the weights of a file go.
        name: What to call it; the file's name by default.
        policy_class: `module:Class` of the torch module whose weights a file holds, called with
            (observation space, action space) or with nothing.
        outputs: What a torch module returns: `logits` (default) or `q_values` for discrete
            actions, `mean` for continuous ones; `logits_and_value` or `mean_and_value` for a pair.
        code: Every `module:attribute` that may be imported because a folder's card names it.
        normalize: JSON file with the statistics by which the inputs were normalised while it
            learned, or `none` to state that they were not; see `agents.input_statistics`.

    Raises:
        ArtifactError: The file is missing, damaged, unsafe to open, or not supported.
        InputError: The source is of no known kind, or does not fit the environment.
    """
    agent = with_statistics(
        _load(source, env, device, name, policy_class, outputs, code), normalize
    )
    state, reason = stated(agent)
    if state == "unknown":
        logger.warning(
            "%s learned on normalised inputs (%s), and their statistics are missing: it may behave "
            "as another agent; %s, or say that there are none with --normalize none",
            agent.name,
            reason,
            _way_to_statistics(source),
        )
    return agent


def _load(
    source: Any,
    env: "str | EnvSpec | gymnasium.Env[Any, Any] | None",
    device: str,
    name: str,
    policy_class: str | None,
    outputs: str | None,
    code: Sequence[str],
) -> Agent:
    spaces = None if env is None else spaces_of(env)
    found, imported = source, None
    if isinstance(source, str) and not Path(source).exists() and is_import_string(source):
        found, imported = import_object(source), source
        name = name or source
        if isinstance(found, type):
            found = _made(found, source)
    if not isinstance(found, str | Path) and _is_agent(found):
        if spaces is not None:
            theirs = Spaces(found.observation_space, found.action_space)
            require_equal(theirs, spaces, who=found.name)
        agent: Agent = found
        return agent
    _check_module_options(found, policy_class, outputs)
    request = LoadRequest(found, name, spaces, device, policy_class, outputs, imported, tuple(code))
    if isinstance(found, str | Path):
        return _load_path(Path(found), request)
    loaded: Agent = registry.load("adapters", _adapter_for_object(found)).load(request)
    return loaded


def agent_sha256(agent: Agent) -> str:
    """Return the checksum of the file that an agent came from.

    For a network that came from memory it is that of the weights file that `save_agent` would
    write; for a function it is empty.
    """
    return str(getattr(unmetered(agent), "sha256", ""))


def spaces_of(env: "str | EnvSpec | gymnasium.Env[Any, Any]") -> Spaces:
    """Return the spaces of an environment; a spec or an id is made and closed again.

    Spaces whose elements are not one array are those of their rows; see `envs.rows`.
    """
    if not isinstance(env, str | EnvSpec):
        return Spaces(as_array_space(env.observation_space), as_array_space(env.action_space))
    made = make_env(resolve_env(env))
    try:
        return Spaces(made.observation_space, made.action_space)
    finally:
        made.close()


def _load_path(path: Path, request: LoadRequest) -> Agent:
    suffix = path.suffix.lower()
    zoo = None if _stored(path) else find_zoo(path)
    if zoo is not None:
        trained = registry.load("adapters", SUFFIXES[".zip"])
        inside = replace(request, source=zoo.archive)
        return with_card(trained.load(inside), zoo.card())
    if path.is_dir():
        # a run's folder keeps its agent in `agent`
        folder = path if (path / _CARD).exists() else path / "agent"
        if not (folder / _CARD).exists():
            raise ArtifactError(
                f"{path} is a folder without {_CARD}",
                hint="give a folder that save_agent or a run wrote, or the file in it",
            )
        inside = replace(request, source=folder)
        loaded: Agent = registry.load("adapters", "folder").load(inside)
        return loaded
    if suffix in PICKLES:
        raise _pickle(path)
    adapter = SUFFIXES.get(suffix) or _plugin("suffixes", {suffix})
    if adapter is None:
        raise _unknown_path(path)
    agent: Agent = registry.load("adapters", adapter).load(request)
    return agent


def _stored(path: Path) -> bool:
    return any((folder / _CARD).exists() for folder in (path, path / "agent"))


def _check_module_options(found: Any, policy_class: str | None, outputs: str | None) -> None:
    """Refuse what only a torch module can be told, where it would be ignored."""
    is_path = isinstance(found, str | Path)
    weights = is_path and SUFFIXES.get(Path(found).suffix.lower()) == _TORCH
    module = not is_path and _adapter_for_object(found) == _TORCH
    what = str(found) if is_path else f"a {type(found).__name__}"
    if policy_class is not None and not weights:
        raise InputError(
            f"the class of the network is for weights.pth or .safetensors, got {what}",
            hint="leave --policy-class out",
        )
    if outputs is not None and not (weights or module):
        raise InputError(
            f"what the outputs are is for a torch module or its weights, got {what}",
            hint="leave --outputs out",
        )


def _pickle(path: Path) -> ArtifactError:
    """Return the error for a pickle, which is looked at as text and never opened."""
    try:
        with path.open("rb") as file:
            head = file.read(_PICKLE_HEAD)
    except OSError:
        head = b""
    what = f"{path} is a pickle, which runs code when it is opened, and is never opened here"
    if _VEC_NORMALIZE not in head:
        return ArtifactError(
            what,
            hint="save the weights with torch.save(module.state_dict(), path), "
            "or the model with model.save(path)",
        )
    return ArtifactError(
        f"{path} holds VecNormalize statistics in a pickle, which runs code when it is opened, "
        "and is never opened here",
        hint=f"if you trust it, write its numbers to stats.json yourself: "
        f"{vec_normalize_command(path)} ; then name the agent's own file, with "
        "--normalize stats.json",
    )


def _way_to_statistics(source: Any) -> str:
    zoo = find_zoo(Path(source)) if isinstance(source, str | Path) else None
    if zoo is None or zoo.statistics is None:
        return "give them with --normalize stats.json"
    return (
        f"if you trust {zoo.statistics}, write its numbers to stats.json yourself: "
        f"{vec_normalize_command(zoo.statistics)} ; then add --normalize stats.json"
    )


def vec_normalize_command(path: Path) -> str:
    """Return the command by which a user writes the numbers of VecNormalize to `stats.json`.

    It opens the pickle, so it is for the user to run, in an environment of their own.
    """
    program = (
        f"import json, pickle; v = pickle.load(open({str(path)!a}, 'rb')); assert v.norm_obs; "
        "json.dump({'mean': v.obs_rms.mean.tolist(), 'var': v.obs_rms.var.tolist(), "
        "'clip_obs': float(v.clip_obs), 'epsilon': float(v.epsilon)}, open('stats.json', 'w'))"
    )
    return f"python -c {shlex.quote(program)}"


def _unknown_path(path: Path) -> ArtifactError:
    if path.exists():
        known = ", ".join(SUFFIXES)
        return ArtifactError(
            f"{path} is of no known kind of agent; known: {known}, a folder with {_CARD}, "
            "module:callable"
        )
    near = path.with_name(path.name + ".zip")
    hint = f"did you mean {near}?" if near.is_file() else "check the path"
    return ArtifactError(f"{path} does not exist", hint=hint)


def _adapter_for_object(source: Any) -> str:
    names = {f"{cls.__module__}.{cls.__qualname__}" for cls in type(source).__mro__}
    for type_name, adapter in TYPE_NAMES.items():
        if type_name in names:
            return adapter
    return _plugin("type_names", names) or "function"


def _plugin(what: str, wanted: set[str]) -> str | None:
    """Return the installed plug-in that loads one of these; asked only when ours do not."""
    for name, item in registry.items("adapters").items():
        if item.source == "pellucid":
            continue
        try:
            info = registry.load("adapters", name).info
        except PluginError:
            continue  # `pellucid doctor` lists it
        if wanted & set(getattr(info, what, ())):
            return name
    return None


def _is_agent(source: Any) -> bool:
    parts = ("act", "capabilities", "observation_space", "action_space", "name", "framework")
    return not isinstance(source, type) and all(hasattr(source, part) for part in parts)


def _made(cls: type, text: str) -> Any:
    try:
        return cls()
    except Exception as error:  # the user's class may raise anything
        raise InputError(
            f"{text} is a class and cannot be made without arguments: "
            f"{type(error).__name__}: {error!s:.160}",
            hint="name a function, or an object that the module has made",
        ) from error
