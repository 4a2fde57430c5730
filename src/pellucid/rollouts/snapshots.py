"""Returning to a step of an episode, by the first way that is seen to work.

Nothing is believed: a copied environment may be an empty one (Box2D environments are copied by
their constructor arguments) or drift away from its original (MuJoCo). So each way is probed at
random steps: from one state, the original and two copies take the same actions, the copies in
turns, and every observation, reward and flag must agree to the bit.
"""

import copy
import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from pellucid.budget import Meter
from pellucid.envs.resolve import layers, make_env, step_limit
from pellucid.envs.spec import EnvSpec
from pellucid.errors import CapabilityError
from pellucid.rollouts.episodes import Episode, Episodes
from pellucid.rollouts.generators import reseed
from pellucid.rollouts.lockstep import close, one_line
from pellucid.seeds import derived_seed, stream

WayKind: TypeAlias = Literal["state-set", "deepcopy", "replay"]

N_PROBES = 3
PROBE_STEPS = 50
LATEST_PROBE_STEP = 200
"""Probes start at a random step before this one, so that their cost has a bound."""

_COPIES = 2
_RESEEDED = 3


@dataclass(frozen=True)
class SnapshotWay:
    """How to return to a step in this environment.

    Args:
        kind: `state-set`, `deepcopy`, or `replay` of the seed and actions in a fresh instance.
        deterministic: No noise was seen: with fresh noise every future was the same.
        noise_reseedable: True if fresh noise changed the future; None if there was none to
            change; False if there is noise that cannot be re-seeded, so that futures of one state
            are one sample and have no standard error.
        limit: Step limit of an episode.
        n_probes: States at which it was probed.
    """

    kind: WayKind
    deterministic: bool
    noise_reseedable: bool | None
    limit: int
    n_probes: int


Trace: TypeAlias = list[tuple[Any, ...]]


def snapshot_way(episodes: Episodes, *, meter: Meter, seed: int) -> SnapshotWay:
    """Return how to return to any step of these episodes; probed once, then remembered.

    Args:
        episodes: Episodes with the spec of their environment.
        meter: Pays for the probes, at most `probing_bound` environment steps.
        seed: Chooses the steps and actions of the probes.

    Raises:
        CapabilityError: The environment cannot be made again, or does not repeat itself.
        BudgetError: The probes cannot be paid for.
    """
    remembered = remembered_way(episodes)
    if remembered is None:
        remembered = _probe(episodes, meter, seed)
        # as `functools.cached_property` does: a fact about frozen data, found late
        vars(episodes)["_snapshot_way"] = remembered
    if isinstance(remembered, CapabilityError):
        raise remembered
    return remembered


def remembered_way(episodes: Episodes) -> SnapshotWay | CapabilityError | None:
    """Return what probing found before, None if these episodes were never probed."""
    found: SnapshotWay | CapabilityError | None = vars(episodes).get("_snapshot_way")
    return found


def probed_steps(episodes: Episodes) -> int:
    """Return the environment steps that probing these episodes took, for all that return to one."""
    steps: int = vars(episodes).get("_probed_steps", 0)
    return steps


def probing_facts(episodes: Episodes) -> dict[str, Any]:
    """Return what probing found as plain JSON values; empty if these were never probed."""
    found = remembered_way(episodes)
    if isinstance(found, SnapshotWay):
        return asdict(found)
    return {} if found is None else {"error": str(found), "hint": found.hint}


def remember_probing(episodes: Episodes, facts: Mapping[str, Any]) -> None:
    """Remember what probing found in an earlier session, so that it is not done again.

    Args:
        episodes: The same ones.
        facts: From `probing_facts`; what does not read as such is not believed, and it is probed
            again.
    """
    way: SnapshotWay | CapabilityError
    if isinstance(facts.get("error"), str):
        way = CapabilityError(facts["error"], hint=str(facts.get("hint") or ""))
    elif (
        set(facts) == {"kind", "deterministic", "noise_reseedable", "limit", "n_probes"}
        and facts["kind"] in get_args(WayKind)
        and type(facts["limit"]) is int
        and type(facts["n_probes"]) is int
        and type(facts["deterministic"]) is bool
        and facts["noise_reseedable"] in (True, False, None)
    ):
        way = SnapshotWay(**facts)
    else:
        return
    vars(episodes)["_snapshot_way"] = way


def probing_bound(episodes: Episodes) -> int:
    """Return the most environment steps that probing these episodes can take."""
    if episodes.spec is None or not episodes.used or remembered_way(episodes) is not None:
        return 0
    longest = min(max(len(e) for e in episodes.used), LATEST_PROBE_STEP)
    replays = 1 + _COPIES + _RESEEDED
    copies = 2 * _COPIES
    per_probe = replays * (longest + PROBE_STEPS) + copies * PROBE_STEPS
    return N_PROBES * per_probe + 2 * PROBE_STEPS


# --- reaching a step ---


def replay(spec: EnvSpec, episode: Episode, step: int) -> tuple[Any, Any]:
    """Return a fresh environment in the state before `step`, and its observation there.

    Raises:
        CapabilityError: It fails on the way, or its observation differs from the stored one.
    """
    env = make_env(spec)
    try:
        observation = env.reset(seed=episode.seed)[0]
        for action in episode.actions[:step]:
            observation = env.step(action.copy())[0]
    except Exception as error:  # an environment may raise anything; it did not before
        close(env)
        raise CapabilityError(
            f"episode {episode.index} could not be repeated up to step {step}: {one_line(error)}"
        ) from error
    stored = episode.observations[step]
    if not same_bits(observation, stored):
        close(env)
        raise CapabilityError(
            f"this environment did not repeat itself under one seed: at step {step} of episode "
            f"{episode.index} the observation differs from the stored one",
            hint="its noise must come from np_random, which reset(seed=...) seeds",
        )
    return env, np.array(stored)


def clone(kind: WayKind, env: Any, spec: EnvSpec, seed: int) -> Any:
    """Return a copy of an environment in its present state (`state-set` or `deepcopy`)."""
    if kind == "deepcopy":
        return copy.deepcopy(env)
    return _copy_mujoco(env, spec, seed)


def noise_seed(seed: int, noise: int, episode: int, step: int) -> int:
    """Return the seed of replicate `noise` at a step, the same for every arm."""
    return derived_seed(seed, "noise", noise, episode, step)


def same_bits(first: Any, second: Any) -> bool:
    """Whether two observations are equal to the bit, NaN and the sign of zero included."""
    a = np.asarray(first)
    b = np.asarray(second)
    # the stored one has the type of the space; `Discrete` environments often return plain ints
    a = a if a.dtype == b.dtype else a.astype(b.dtype)
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def _copy_mujoco(env: Any, spec: EnvSpec, seed: int) -> Any:
    # copying MjData by value takes the integration state with everything derived from it; the
    # rest of the stack is copied attribute by attribute into a fresh one that owns its model
    mujoco = importlib.import_module("mujoco")
    fresh = make_env(spec)
    fresh.reset(seed=seed)
    old: Any = env.unwrapped
    new: Any = fresh.unwrapped
    memo = {
        id(a): b for a, b in (*zip(layers(env), layers(fresh), strict=True), (old.model, new.model))
    }
    for name in ("data", "mujoco_renderer"):
        if hasattr(old, name):
            memo[id(getattr(old, name))] = getattr(new, name)
    for source, target in zip(layers(env), layers(fresh), strict=True):
        for name, value in vars(source).items():
            vars(target)[name] = copy.deepcopy(value, memo)
    mujoco.mj_copyData(new.data, new.model, old.data)
    return fresh


# --- probing ---


@dataclass(frozen=True)
class _Point:
    episode: Episode
    step: int
    actions: Sequence[Any]
    seed: int


def _probe(episodes: Episodes, meter: Meter, seed: int) -> SnapshotWay | CapabilityError:
    spec = episodes.spec
    if spec is None or not episodes.used:
        what = "stored without an environment" if spec is None else "empty"
        return CapabilityError(
            f"futures cannot be branched: the episodes are {what}",
            hint="collect episodes in the environment",
        )
    # the check comes before the work, whatever the probes turn out to need
    spare = meter.left.env_steps - probing_bound(episodes)
    if spare < 0:
        meter.check_time()
        meter.charge(env_steps=probing_bound(episodes))
    counter = _Counter()
    try:
        return _find_way(episodes, spec, seed, counter)
    except CapabilityError as error:
        return error
    finally:
        meter.charge(env_steps=counter.steps)
        vars(episodes)["_probed_steps"] = counter.steps


class _Counter:
    def __init__(self) -> None:
        self.steps = 0


def _find_way(episodes: Episodes, spec: EnvSpec, seed: int, counter: _Counter) -> SnapshotWay:
    points = _points(episodes, spec, seed)
    working: dict[WayKind, bool] = dict.fromkeys(_candidates(spec), True)
    n_replays = n_differed = 0
    for point in points:
        original, failed = _probe_point(point, spec, working, counter)
        n_replays += 1 + _COPIES
        n_differed += failed
        if original is None:
            working = dict.fromkeys(working, False)
    kinds = [kind for kind, works in working.items() if works]
    if not kinds:
        raise CapabilityError(
            f"this environment did not repeat itself under one seed "
            f"({n_differed} of {n_replays} replays differed), so futures cannot be branched",
            hint="its noise must come from np_random, which reset(seed=...) seeds",
        )
    reseedable, deterministic = _noise(kinds[0], points, spec, counter)
    env = make_env(spec)
    limit = step_limit(env)
    close(env)
    return SnapshotWay(kinds[0], deterministic, reseedable, limit, len(points))


def _candidates(spec: EnvSpec) -> list[WayKind]:
    kinds: list[WayKind] = ["deepcopy", "replay"]
    if importlib.util.find_spec("mujoco") is None:
        return kinds
    env = make_env(spec)
    holds_state = hasattr(env.unwrapped, "model") and hasattr(env.unwrapped, "data")
    close(env)
    return ["state-set", *kinds] if holds_state else kinds


def _points(episodes: Episodes, spec: EnvSpec, seed: int) -> list[_Point]:
    rng = stream(seed, "snapshot")
    env = make_env(spec)
    space = env.action_space
    close(env)
    points = []
    for number in range(N_PROBES):
        # zero-length episodes do not exist: an episode without failure has at least one step
        episode = episodes.used[int(rng.integers(len(episodes.used)))]
        step = int(rng.integers(min(len(episode), LATEST_PROBE_STEP)))
        space.seed(int(rng.integers(2**31)))
        actions = [np.asarray(space.sample(), dtype=space.dtype)[()] for _ in range(PROBE_STEPS)]
        points.append(_Point(episode, step, actions, derived_seed(seed, "snapshot", number)))
    return points


def _probe_point(
    point: _Point, spec: EnvSpec, working: dict[WayKind, bool], counter: _Counter
) -> tuple[Trace | None, int]:
    """Probe every way at one state; return the original's trace and how many replays differed."""
    try:
        original = _replayed(point, spec, counter)
    except CapabilityError:
        return None, 1 + _COPIES
    # all copies are made before the original goes on, so that a copy that shares state with it
    # is found out
    copies: dict[WayKind, list[Any]] = {}
    copying: list[WayKind] = [k for k, works in working.items() if works and k != "replay"]
    for kind in copying:
        try:
            copies[kind] = [clone(kind, original, spec, point.episode.seed) for _ in range(_COPIES)]
        except Exception:  # an environment that cannot be copied says so in its own way
            working[kind] = False
    trace = _roll([original], point.actions, counter)[0]
    differed = 0
    try:
        copies["replay"] = [_replayed(point, spec, counter) for _ in range(_COPIES)]
    except CapabilityError:
        working["replay"] = False
        differed = _COPIES
    for kind, envs in copies.items():
        agree = [t == trace for t in _roll(envs, point.actions, counter)]
        working[kind] = working[kind] and all(agree)
        if kind == "replay":
            differed += agree.count(False)
    return trace, differed


def _noise(
    kind: WayKind, points: list[_Point], spec: EnvSpec, counter: _Counter
) -> tuple[bool | None, bool]:
    """Return whether noise can be re-seeded (None: there is none) and whether there is none."""
    changed = False
    for point in points:
        envs = [_replayed(point, spec, counter)]
        if kind == "replay":
            envs += [_replayed(point, spec, counter) for _ in range(_RESEEDED - 1)]
        else:
            envs += [clone(kind, envs[0], spec, point.episode.seed) for _ in range(_RESEEDED - 1)]
        for env, replicate in zip(envs, (0, 0, 1), strict=True):
            reseed(env, derived_seed(point.seed, replicate))
        first, again, other = _roll(envs, point.actions, counter)
        if first != again:
            return False, False
        changed = changed or first != other
    if changed:
        return True, False
    if _hidden_noise(points[0], spec, counter):
        return False, False
    return None, True


def _hidden_noise(point: _Point, spec: EnvSpec, counter: _Counter) -> bool:
    """Whether two resets look alike and yet part: noise that no generator found accounts for."""
    envs = [make_env(spec) for _ in range(2)]
    starts = [env.reset(seed=point.episode.seed + offset)[0] for offset, env in enumerate(envs)]
    if not same_bits(starts[0], starts[1]):
        for env in envs:
            close(env)
        return False
    first, second = _roll(envs, point.actions, counter)
    return first != second


def _replayed(point: _Point, spec: EnvSpec, counter: _Counter) -> Any:
    counter.steps += point.step
    return replay(spec, point.episode, point.step)[0]


def _roll(envs: list[Any], actions: Sequence[Any], counter: _Counter) -> list[Trace]:
    """Step several environments in turns with the same actions, and close them."""
    traces: list[Trace] = [[] for _ in envs]
    for action in actions:
        for env, trace in zip(envs, traces, strict=True):
            if not trace or not trace[-1][-1]:
                counter.steps += 1
                trace.append(_event(env, action))
    for env in envs:
        close(env)
    return traces


def _event(env: Any, action: Any) -> tuple[Any, ...]:
    try:
        observation, reward, terminated, truncated, _ = env.step(action.copy())
        array = np.asarray(observation)
        value = np.float64(reward).tobytes()
        over = bool(terminated), bool(truncated)
        return array.shape, str(array.dtype), array.tobytes(), value, *over, any(over)
    except Exception as error:  # what an environment raises must repeat itself too
        return one_line(error), True
