"""Learning by lookahead in any environment with discrete actions, with any regressor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.envs.resolve import DEFAULT_MAX_STEPS, make_env, step_limit
from pellucid.envs.spec import EnvSpec
from pellucid.errors import CapabilityError, EnvError, InputError
from pellucid.seeds import derived_seed, stream
from pellucid.stats import Estimate, mean_interval
from pellucid.tabular.horizon.regressors import Regressor

N_LANES = 64
"""Most environments that run side by side, so that regressors predict many rows at once."""

Progress = Callable[[str, float], None]


class StepPolicy:
    """The greedy policy of one step.

    Args:
        fits: A fitted regressor per action; None for actions of which nothing was seen.
    """

    def __init__(self, fits: Sequence[Regressor | None]) -> None:
        self._fits = tuple(fits)

    def values(self, features: Float[np.ndarray, "rows features"]) -> np.ndarray:
        """Return the value of each action, shape (rows, actions); 0 where nothing was seen."""
        columns = [
            np.zeros(len(features)) if fit is None else np.asarray(fit.predict(features))
            for fit in self._fits
        ]
        return np.stack(columns, axis=1)

    def act(
        self, features: Float[np.ndarray, "rows features"], rng: np.random.Generator
    ) -> Int[np.ndarray, " rows"]:
        """Return one of the best actions for each row, each alike."""
        values = self.values(features)
        ties = values >= values.max(axis=1, keepdims=True)
        return np.asarray((rng.random(values.shape) * ties).argmax(axis=1))


@dataclass(frozen=True, eq=False)
class RegressionPolicy:
    """What was learned.

    Args:
        policies: One per step; fewer than the horizon if every episode was over by then.
        returns: Mean return of the greedy policy in fresh episodes, with its interval.
        env_steps: Environment steps that it was learned from; those of `returns` do not count.
    """

    policies: tuple[StepPolicy, ...]
    returns: Estimate
    env_steps: int


def learn_with_regression(
    env: str | Callable[..., Any],
    regressor_fn: Callable[[], Regressor],
    *,
    k: int,
    m: int,
    seed: int,
    horizon: int | None = None,
    level_seed: int | None = None,
    n_evaluations: int = 100,
    progress: Progress = lambda part, share: None,
) -> RegressionPolicy:
    """Return a policy learned one step at a time by regression and k - 1 backups.

    Args:
        env: Gymnasium id, `module:callable`, or a callable that makes an environment.
        regressor_fn: Makes a regressor, such as `TableRegressor` or one of scikit-learn; each
            action has its own.
        k: Steps of lookahead, from 1.
        m: Episodes per step of the policy.
        seed: Of resets, exploration and ties.
        horizon: Steps of an episode; the environment's own limit if None.
        level_seed: Of every reset, which fixes the level; None for a new one each time.
        n_evaluations: Fresh episodes in which the policy is measured.
        progress: Told the step that is learned and the share done.

    Raises:
        InputError: k, m or the horizon is not positive.
        CapabilityError: The actions are not discrete, or observations cannot be made flat.
        EnvError: The environment raises, or pays something that is no number.

    Source: Laidlaw 2024, algorithm 1 (SQIRL). As in the paper and not as in the authors' code,
    each step is learned from fresh episodes and by regressors of its own.
    """
    if k < 1 or m < 1 or (horizon is not None and horizon < 1):
        raise InputError(f"expected k, m and horizon from 1, got {k}, {m} and {horizon}")
    episodes = _Rollouts(env, horizon, seed, level_seed)
    policies: list[StepPolicy] = []
    env_steps = 0
    try:
        for step in range(episodes.horizon):
            progress(f"step {step}", step / episodes.horizon)
            data = episodes.run(policies, m, explore=True)
            env_steps += data.n_steps
            if not data.alive[step].any():
                break
            policies.append(_fitted(data, step, k, episodes.n_actions, regressor_fn))
        measured = episodes.run(policies, n_evaluations, explore=False)
    finally:
        episodes.close()
    return RegressionPolicy(
        tuple(policies), mean_interval(measured.rewards.sum(axis=0), seed=seed), env_steps
    )


def _fitted(
    data: "_Data", step: int, k: int, n_actions: int, regressor_fn: Callable[[], Regressor]
) -> StepPolicy:
    last = min(step + k - 1, len(data.rewards) - 1)
    targets = data.rewards[last:].sum(axis=0)
    policy = StepPolicy(())
    for t in range(last, step - 1, -1):
        if t < last:
            following = np.where(
                data.alive[t + 1], policy.values(data.features[t + 1]).max(axis=1), 0.0
            )
            targets = data.rewards[t] + following
        fits: list[Regressor | None] = []
        for action in range(n_actions):
            rows = data.alive[t] & (data.actions[t] == action)
            fit = regressor_fn() if rows.any() else None
            if fit is not None:
                fit.fit(data.features[t][rows], targets[rows])
            fits.append(fit)
        policy = StepPolicy(fits)
    return policy


@dataclass(frozen=True, eq=False)
class _Data:
    """Episodes of equal length; what comes after an end is not alive and pays nothing."""

    features: Float[np.ndarray, "steps episodes features"]
    actions: Int[np.ndarray, "steps episodes"]
    rewards: Float[np.ndarray, "steps episodes"]
    alive: Bool[np.ndarray, "steps episodes"]

    @property
    def n_steps(self) -> int:
        """Environment steps that were taken."""
        return int(self.alive.sum())


class _Rollouts:
    """Runs episodes in several copies of one environment at a time."""

    def __init__(
        self, env: str | Callable[..., Any], horizon: int | None, seed: int, level: int | None
    ) -> None:
        is_name = isinstance(env, str)
        name = env if isinstance(env, str) else getattr(env, "__qualname__", "environment")
        spec = EnvSpec(name, max_steps=DEFAULT_MAX_STEPS, factory=None if is_name else env)  # type: ignore[arg-type]
        self._spec, self._seed, self._level = spec, seed, level
        self._envs = [make_env(spec)]
        first = self._envs[0]
        if not isinstance(first.action_space, gymnasium.spaces.Discrete):
            raise CapabilityError(f"expected discrete actions, got {first.action_space}")
        self._space = first.observation_space
        try:
            self._n_features = int(gymnasium.spaces.flatdim(self._space))
        except (NotImplementedError, ValueError):
            raise CapabilityError(f"observations of {self._space} cannot be made flat") from None
        self.n_actions = int(first.action_space.n)
        self._offset = int(first.action_space.start)
        self.horizon = horizon or step_limit(first)
        self._n_rounds = 0

    def run(self, policies: Sequence[StepPolicy], n: int, *, explore: bool) -> _Data:
        """Return episodes that follow the policies and then draw every action alike."""
        shape = (self.horizon, n)
        data = _Data(
            np.zeros((*shape, self._n_features)),
            np.zeros(shape, dtype=np.int64),
            np.zeros(shape),
            np.zeros(shape, dtype=bool),
        )
        rng = stream(self._seed, "regression", self._n_rounds, int(explore))
        while len(self._envs) < min(n, N_LANES):
            self._envs.append(make_env(self._spec))
        for start in range(0, n, N_LANES):
            self._run_lanes(data, policies, range(start, min(start + N_LANES, n)), rng)
        self._n_rounds += 1
        return data

    def _run_lanes(
        self,
        data: _Data,
        policies: Sequence[StepPolicy],
        episodes: range,
        rng: np.random.Generator,
    ) -> None:
        envs = dict(zip(episodes, self._envs, strict=False))
        seen = {e: self._reset(env, e) for e, env in envs.items()}
        for t in range(self.horizon):
            running = list(seen)
            if not running:
                return
            features = np.stack(list(seen.values()))
            if t < len(policies):
                actions = policies[t].act(features, rng)
            else:
                actions = rng.integers(self.n_actions, size=len(running))
            data.features[t, running], data.actions[t, running] = features, actions
            data.alive[t, running] = True
            for episode, action in zip(running, actions, strict=True):
                observed, reward, over = self._step(envs[episode], int(action))
                data.rewards[t, episode] = reward
                if over:
                    del seen[episode]
                else:
                    seen[episode] = observed

    def _reset(self, env: Any, episode: int) -> Float[np.ndarray, " features"]:
        drawn = derived_seed(self._seed, "reset", self._n_rounds, episode)
        observation, _ = env.reset(seed=drawn if self._level is None else self._level)
        return self._flat(observation)

    def _step(self, env: Any, action: int) -> tuple[Float[np.ndarray, " features"], float, bool]:
        try:
            observation, reward, terminated, truncated, _ = env.step(action + self._offset)
        except Exception as error:  # an environment may raise anything
            raise EnvError(f"{self._spec.id} raised {type(error).__name__}: {error}") from error
        if not np.isfinite(reward):
            raise EnvError(f"{self._spec.id} paid {reward}, expected a finite number")
        return self._flat(observation), float(reward), bool(terminated or truncated)

    def _flat(self, observation: Any) -> Float[np.ndarray, " features"]:
        return np.asarray(gymnasium.spaces.flatten(self._space, observation), dtype=np.float64)

    def close(self) -> None:
        """Close every environment."""
        for env in self._envs:
            env.close()
