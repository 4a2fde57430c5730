"""Objectives that remember, as Gymnasium wrappers: LTLf formulas and reward machines.

The observation becomes `{"observation": ..., "memory": ...}`: without what is remembered the reward
would not depend on the observation and the action alone, and few learners could maximise it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any, SupportsFloat, TypeAlias

import gymnasium
from gymnasium import spaces

from pellucid.errors import InputError
from pellucid.tabular.objectives.finite_traces import LTLfMonitor
from pellucid.tabular.objectives.formulas import Formula, parse

LabelFn: TypeAlias = Callable[[Any, Any, Any], frozenset[str]]
"""Observation, action, next observation -> the propositions that hold in this step."""

MAX_PROPOSITIONS = 8
MAX_MEMORY = 4096


class LTLfReward(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Pays 1 when an episode ends whose steps satisfy a formula, and nothing else.

    An episode also ends, as terminated, once the formula is decided. One that is cut off is judged
    by the steps that it had. `info["satisfied"]` says whether it would be satisfied if it ended.

    Args:
        env: The environment; its own reward is replaced.
        formula: LTLf, of at most 8 propositions.
        label_fn: Which propositions hold in a step.

    Raises:
        InputError: The formula cannot be read (position named), has too many propositions, or can
            be in more than 4096 states.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], formula: str, label_fn: LabelFn) -> None:
        super().__init__(env)
        self._first = LTLfMonitor.of(formula)
        self._memory = monitor_states(self._first)
        self._label_fn = label_fn
        self._monitor, self._last = self._first, None
        self.observation_space = _with_memory(env.observation_space, len(self._memory))

    def reset(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start an episode and the formula anew."""
        self._last, info = self.env.reset(**kwargs)
        self._monitor = self._first
        return self._observed(), {**info, "satisfied": self._monitor.satisfied}

    def step(self, action: Any) -> tuple[dict[str, Any], SupportsFloat, bool, bool, dict[str, Any]]:
        """Act, and follow the formula."""
        before = self._last
        self._last, _, terminated, truncated, info = self.env.step(action)
        labels = _checked(self._label_fn(before, action, self._last))
        self._monitor = self._monitor.after(labels & self._first.left.atoms)
        terminated = terminated or self._monitor.decided is not None
        satisfied = self._monitor.satisfied
        reward = float(satisfied and (terminated or truncated))
        return self._observed(), reward, terminated, truncated, {**info, "satisfied": satisfied}

    def _observed(self) -> dict[str, Any]:
        return {"observation": self._last, "memory": self._memory[self._monitor]}


@dataclass(frozen=True)
class MachineEdge:
    """A step that a reward machine takes.

    Args:
        source: State that it leaves.
        guard: Propositional formula over the labels of the step, such as `key & !trap`.
        target: State that it enters.
        reward: What it pays.
    """

    source: int
    guard: str
    target: int
    reward: float = 0.0


class MachineReward(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Pays what a reward machine pays for the labels of each step.

    The machine starts in state 0. Of the edges whose guard holds the first is taken; without one
    it stays and pays nothing.

    Args:
        env: The environment; its own reward is replaced.
        edges: The machine.
        label_fn: Which propositions hold in a step.
        final: States in which the episode ends, as terminated.

    Raises:
        InputError: There are no edges, a state is negative, or a guard cannot be read (position
            named) or is temporal.

    Source: Icarte et al. 2018.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        edges: Sequence[MachineEdge],
        label_fn: LabelFn,
        *,
        final: frozenset[int] = frozenset(),
    ) -> None:
        super().__init__(env)
        states = {state for edge in edges for state in (edge.source, edge.target)} | final
        if not edges or min(states) < 0:
            raise InputError("expected edges between states numbered from 0")
        self._edges = [(edge, _guard(edge.guard)) for edge in edges]
        self._label_fn, self._final = label_fn, final
        self._state, self._last = 0, None
        self.observation_space = _with_memory(env.observation_space, max(states) + 1)

    def reset(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start an episode and the machine anew."""
        self._last, info = self.env.reset(**kwargs)
        self._state = 0
        return self._observed(), info

    def step(self, action: Any) -> tuple[dict[str, Any], SupportsFloat, bool, bool, dict[str, Any]]:
        """Act, and move the machine."""
        before = self._last
        self._last, _, terminated, truncated, info = self.env.step(action)
        labels = _checked(self._label_fn(before, action, self._last))
        reward = 0.0
        for edge, guard in self._edges:
            if edge.source == self._state and holds(guard, labels):
                self._state, reward = edge.target, edge.reward
                break
        terminated = terminated or self._state in self._final
        return self._observed(), reward, terminated, truncated, info

    def _observed(self) -> dict[str, Any]:
        return {"observation": self._last, "memory": self._state}


def monitor_states(first: LTLfMonitor) -> dict[LTLfMonitor, int]:
    """Return everything that a monitor can become, numbered from 0 for the start.

    Raises:
        InputError: The formula has more than 8 propositions, or there are more than 4096.
    """
    atoms = sorted(first.left.atoms)
    if len(atoms) > MAX_PROPOSITIONS:
        raise InputError(f"expected at most {MAX_PROPOSITIONS} propositions, got {len(atoms)}")
    letters = chain.from_iterable(combinations(atoms, k) for k in range(len(atoms) + 1))
    steps = [frozenset(letter) for letter in letters]
    found, waiting = {first: 0}, [first]
    while waiting:
        monitor = waiting.pop()
        for labels in steps:
            following = monitor.after(labels)
            if following not in found:
                if len(found) >= MAX_MEMORY:
                    raise InputError(f"expected a formula of at most {MAX_MEMORY} states, got more")
                found[following] = len(found)
                waiting.append(following)
    return found


def holds(formula: Formula, labels: frozenset[str]) -> bool:
    """Return whether a propositional formula holds for the labels of a step."""
    inner = [holds(part, labels) for part in formula.parts]
    match formula.operator:
        case "true":
            return True
        case "atom":
            return formula.name in labels
        case "!":
            return not inner[0]
        case "&":
            return all(inner)
        case "|":
            return any(inner)
        case "->":
            return not inner[0] or inner[1]
        case "<->":
            return inner[0] == inner[1]
    return False


def _guard(text: str) -> Formula:
    formula = parse(text)
    waiting = [formula]
    while waiting:
        part = waiting.pop()
        if part.operator in ("X", "F", "G", "U", "R", "W"):
            raise InputError(f"expected a guard without temporal operators, got {text!r}")
        waiting += part.parts
    return formula


def _with_memory(observation: Any, n_memory: int) -> spaces.Dict:
    return spaces.Dict({"observation": observation, "memory": spaces.Discrete(n_memory)})


def _checked(labels: Any) -> frozenset[str]:
    if not isinstance(labels, frozenset | set) or not all(isinstance(one, str) for one in labels):
        raise InputError(f"expected label_fn to return a set of texts, got {labels!r:.80}")
    return frozenset(labels)
