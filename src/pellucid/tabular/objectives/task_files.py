"""Task files: a problem, policies or trajectories of it, and the order that is wanted of them.

YAML, of which JSON is a part. Nothing in a file is run: numbers are read as fractions, and an
environment can only be one of Gymnasium's toy-text games.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Bool, Float

from pellucid.envs.naming import read_yaml
from pellucid.errors import DataError, InputError
from pellucid.io.files import read_bytes
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.exact_laws import ExactLaw, law_of_policy, law_of_trajectory
from pellucid.tabular.objectives.lassos import Lasso, Transition
from pellucid.tabular.objectives.preferences import Preferences, parse_preferences
from pellucid.tabular.sources import from_toy_text

MAX_BYTES = 1_000_000
MAX_ITEMS = 24
MAX_NODES = 64
"""Reachable states of one law; exact arithmetic grows with their cube."""
DEFAULT_DISCOUNTS = tuple(Fraction(text) for text in ("1/10", "1/2", "9/10", "99/100"))
_KEYS = (
    "environment", "options", "states", "actions", "start", "transitions",
    "policies", "trajectories", "order", "discounts",
)  # fmt: skip
_TRAJECTORY_KEYS = ("steps", "repeat_from")
_OTHERWISE = "else"


@dataclass(frozen=True, eq=False)
class Task:
    """What a task file says.

    Args:
        mdp: The problem.
        laws: Of the items in the order, as `preferences.names` lists them.
        policies: The policy of each item; None for trajectories.
        preferences: The order.
        discounts: Where formalisms with a discount are tried.
    """

    mdp: FiniteMDP
    laws: tuple[ExactLaw, ...]
    policies: tuple[Float[np.ndarray, "states actions"] | None, ...]
    preferences: Preferences
    discounts: tuple[Fraction, ...]


def read_task(path: Path) -> Task:
    """Read a task file.

    Raises:
        InputError: It is not what a task file must be; the message names the place.
        DataError: It cannot be read.
    """
    content = read_bytes(path, max_bytes=MAX_BYTES, error=DataError)
    return task_from(read_yaml(content, where=path.name), where=path.name)


def task_from(document: Any, *, where: str = "task") -> Task:
    """Return the task of a parsed file: dicts, lists and text.

    Raises:
        InputError: It is not what a task must be.
    """
    section = _mapping(document, where)
    _check_keys(section, _KEYS, where)
    mdp = _problem(section, where)
    policies = {
        name: _policy(mdp, rows, f"{where}, policy {name}")
        for name, rows in _mapping(section.get("policies") or {}, f"{where}, policies").items()
    }
    lassos = {
        name: _trajectory(mdp, steps, f"{where}, trajectory {name}")
        for name, steps in _mapping(
            section.get("trajectories") or {}, f"{where}, trajectories"
        ).items()
    }
    known = [*policies, *lassos]
    if len(set(known)) < len(known):
        raise InputError(f"{where}: a policy and a trajectory have one name")
    lines = section.get("order") or []
    preferences = parse_preferences([lines] if isinstance(lines, str) else _texts(lines), known)
    names = preferences.names
    if not preferences.wanted.better or len(names) > MAX_ITEMS:
        raise InputError(
            f"{where}: expected an order with a '>' between 2 to {MAX_ITEMS} policies or "
            f"trajectories, got {len(names)} in it"
        )
    return Task(
        mdp,
        tuple(_law(mdp, name, i, policies, lassos, where) for i, name in enumerate(names)),
        tuple(policies.get(name) for name in names),
        preferences,
        _discounts(section.get("discounts"), where),
    )


def _law(
    mdp: FiniteMDP,
    name: str,
    number: int,
    policies: Mapping[str, Float[np.ndarray, "states actions"]],
    lassos: Mapping[str, Lasso],
    where: str,
) -> ExactLaw:
    if name in policies:
        law = law_of_policy(mdp, policies[name], name)
    else:
        law = law_of_trajectory(lassos[name], number, name)
    if len(law.edges) > MAX_NODES:
        raise InputError(
            f"{where}: expected at most {MAX_NODES} states that {name} reaches, "
            f"got {len(law.edges)}",
            hint="the check is done on fractions, whose size grows with the states",
        )
    return law


# --- the problem ---


def _problem(section: Mapping[str, Any], where: str) -> FiniteMDP:
    if "environment" in section:
        extra = [key for key in ("states", "transitions", "start") if key in section]
        if extra:
            raise InputError(f"{where}: expected either an environment or {extra[0]}, got both")
        named = tuple(_texts(section.get("actions") or []))
        return _game(section["environment"], section.get("options") or {}, named, where)
    for key in ("states", "actions", "start", "transitions"):
        if key not in section:
            raise InputError(
                f"{where}: expected {key}", hint="or name an environment, such as FrozenLake-v1"
            )
    states, actions = _texts(section["states"]), _texts(section["actions"])
    for names, what in ((states, "states"), (actions, "actions")):
        if not names or len(set(names)) < len(names):
            raise InputError(f"{where}: expected {what} with different names")
    chances = np.zeros((len(states), len(actions), len(states)))
    table = _mapping(section["transitions"], f"{where}, transitions")
    for state, by_action in table.items():
        row = _index(state, states, f"{where}, transitions", "state")
        place = f"{where}, transitions of {state}"
        outcomes = (
            dict.fromkeys(actions, by_action)
            if isinstance(by_action, str)
            else _mapping(by_action, place)
        )
        for action, target in outcomes.items():
            column = _index(action, actions, place, "action")
            chances[row, column] = _distribution(target, states, f"{place}, {action}", "state")
    unset = np.argwhere(~chances.any(axis=2))
    if len(unset):
        state, action = unset[0].tolist()
        raise InputError(f"{where}: expected where {actions[action]} leads from {states[state]}")
    return FiniteMDP(
        transitions=chances,
        rewards=np.zeros((len(states), len(actions))),
        initial=_distribution(section["start"], states, f"{where}, start", "state"),
        discount=0.5,
        state_names=tuple(states),
        action_names=tuple(actions),
    )


def _game(name: Any, options: Any, actions: tuple[str, ...], where: str) -> FiniteMDP:
    games = sorted(
        spec.id
        for spec in gymnasium.registry.values()
        if str(spec.entry_point).startswith("gymnasium.envs.toy_text.")
    )
    if name not in games:
        raise InputError(f"{where}: expected one of the games {', '.join(games)}, got {name!r}")
    arguments: dict[str, Any] = {
        key: _plain_option(value, f"{where}, options, {key}")
        for key, value in _mapping(options, f"{where}, options").items()
    }
    try:
        env = gymnasium.make(name, **arguments)
    except Exception as error:
        raise InputError(f"{where}: {name} cannot be made: {error}") from error
    return from_toy_text(env, discount=0.5, action_names=actions)


def _plain_option(value: Any, where: str) -> bool | int | float | str | list[str]:
    if isinstance(value, list):
        return _texts(value)
    if not isinstance(value, str):
        raise InputError(f"{where}: expected a number, text or a list of texts")
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


# --- policies and trajectories ---


def _policy(mdp: FiniteMDP, rows: Any, where: str) -> Float[np.ndarray, "states actions"]:
    table = {_OTHERWISE: rows} if isinstance(rows, str) else _mapping(rows, where)
    states = [mdp.state_name(s) for s in range(mdp.n_states)]
    actions = [mdp.action_name(a) for a in range(mdp.n_actions)]
    policy = np.full(mdp.rewards.shape, np.nan)
    if _OTHERWISE in table:
        policy[:] = _distribution(table[_OTHERWISE], actions, f"{where}, else", "action")
    # where no action leads away the policies are the same unless the file says otherwise: what one
    # does after the end is hardly ever meant, and would tell apart policies that are alike
    policy[_stuck(mdp)] = np.eye(mdp.n_actions)[0]
    for state, choice in table.items():
        if state != _OTHERWISE:
            row = _index(state, states, where, "state")
            policy[row] = _distribution(choice, actions, f"{where}, {state}", "action")
    missing = np.flatnonzero(np.isnan(policy).any(axis=1))
    if missing.size:
        raise InputError(
            f"{where}: expected an action in {states[missing[0]]}",
            hint=f"`{_OTHERWISE}:` gives one for all states that are not named",
        )
    return policy


def _trajectory(mdp: FiniteMDP, value: Any, where: str) -> Lasso:
    section = value if isinstance(value, Mapping) else {"steps": value}
    _check_keys(section, _TRAJECTORY_KEYS, where)
    words = _texts(section.get("steps") or [])
    if len(words) < 3 and not (len(words) == 1 and "repeat_from" not in section):
        raise InputError(f"{where}: expected steps: a state, an action, a state and so on")
    if len(words) % 2 == 0:
        raise InputError(f"{where}: expected steps that end in a state, got {words[-1]!r} last")
    states = [mdp.state_name(s) for s in range(mdp.n_states)]
    actions = [mdp.action_name(a) for a in range(mdp.n_actions)]
    path = [_index(word, states, where, "state") for word in words[::2]]
    taken = [_index(word, actions, where, "action") for word in words[1::2]]
    steps = list(zip(path, taken, path[1:], strict=False))
    if not mdp.initial[path[0]]:
        raise InputError(f"{where}: {words[0]} is no first state")
    for step in steps:
        _check_possible(mdp, step, where)
    if "repeat_from" in section:
        return _repeated(section["repeat_from"], path, steps, words, where)
    if not _stuck(mdp)[path[-1]]:
        raise InputError(
            f"{where}: expected a last state that no action leaves, got {words[-1]}",
            hint="or `repeat_from: 0`, the number of the step from which it repeats for ever",
        )
    return Lasso(tuple(steps), ((path[-1], 0, path[-1]),))


def _repeated(
    value: Any, path: Sequence[int], steps: list[Transition], words: Sequence[str], where: str
) -> Lasso:
    start = int(value) if isinstance(value, str) and value.isdecimal() else -1
    if not 0 <= start < len(steps):
        raise InputError(
            f"{where}: expected repeat_from to be a step from 0 to {len(steps) - 1}, got {value!r}"
        )
    if path[start] != path[-1]:
        raise InputError(
            f"{where}: expected the last state to be {words[2 * start]}, where step {start} "
            f"starts, got {words[-1]}"
        )
    return Lasso(tuple(steps[:start]), tuple(steps[start:]))


def _stuck(mdp: FiniteMDP) -> Bool[np.ndarray, " states"]:
    states = np.arange(mdp.n_states)
    return np.asarray((mdp.dense[states, :, states] == 1).all(axis=1))


def _check_possible(mdp: FiniteMDP, step: Transition, where: str) -> None:
    if not mdp.dense[step]:
        state, action, arrival = step
        raise InputError(
            f"{where}: {mdp.pair_name(state, action)} never leads to {mdp.state_name(arrival)}"
        )


# --- values ---


def _distribution(
    value: Any, names: Sequence[str], where: str, what: str
) -> Float[np.ndarray, " names"]:
    """Return the distribution that a name, or names with chances, stand for."""
    chances = [Fraction(0)] * len(names)
    if isinstance(value, str):
        chances[_index(value, names, where, what)] = Fraction(1)
    else:
        for name, chance in _mapping(value, where).items():
            chances[_index(name, names, where, what)] = _fraction(chance, f"{where}, {name}")
    total = sum(chances, Fraction(0))
    if total != 1:
        raise InputError(
            f"{where}: expected chances that sum to 1, got {total} (off by {total - 1})",
            hint="fractions such as 1/3 are exact",
        )
    return np.array([float(chance) for chance in chances])


def _fraction(value: Any, where: str) -> Fraction:
    text = value if isinstance(value, str) else ""
    # not Fraction's own reading of exponents: 1e999999999 would fill the memory
    if not re.fullmatch(r"\d{1,12}(/\d{1,12}|\.\d{1,6})?", text):
        raise InputError(f"{where}: expected a number such as 0.25 or 1/3, got {value!r:.80}")
    if text.partition("/")[2].strip("0") == "" and "/" in text:
        raise InputError(f"{where}: expected a denominator above 0, got {text}")
    chance = Fraction(text)
    if not 0 <= chance <= 1 or chance.denominator > 1_000_000:
        raise InputError(
            f"{where}: expected a number from 0 to 1 with a denominator up to a million, got {text}"
        )
    return chance


def _discounts(value: Any, where: str) -> tuple[Fraction, ...]:
    if value is None:
        return DEFAULT_DISCOUNTS
    texts = [value] if isinstance(value, str) else _texts(value)
    found = tuple(_fraction(text, f"{where}, discounts") for text in texts)
    if not found or not all(0 < discount < 1 for discount in found):
        raise InputError(f"{where}: expected discounts above 0 and below 1, got {value}")
    return found


def _index(name: Any, names: Sequence[str], where: str, what: str) -> int:
    if name in names:
        return list(names).index(name)
    if isinstance(name, str) and name.isdecimal() and int(name) < len(names):
        return int(name)
    near = difflib.get_close_matches(str(name), names, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"{what}s: {', '.join(names[:12])}"
    raise InputError(f"{where}: unknown {what} {name!r:.80}", hint=hint)


def _check_keys(section: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in section:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
            raise InputError(f"{where}: unknown key {key!r:.80}", hint=hint)


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: expected names with values, got {value!r:.80}")
    return value


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InputError(f"expected a list of texts, got {value!r:.80}")
    return value
