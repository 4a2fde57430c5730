"""The finite problem behind an environment, if it shows one."""

from gymnasium.spaces import Discrete

from pellucid.envs.naming import resolve_names
from pellucid.envs.resolve import make_env
from pellucid.envs.spec import EnvSpec
from pellucid.errors import CapabilityError
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.sources import from_toy_text


def problem_of(spec: EnvSpec, *, discount: float = 1.0, horizon: int | None = None) -> FiniteMDP:
    """Return the problem of an environment whose observation is the number of its state.

    Args:
        spec: How to make the environment.
        discount: Weight of the next step.
        horizon: Steps of an episode; None if it goes on until it ends by itself.

    Raises:
        CapabilityError: It does not observe a state number, or shows no table of outcomes.
    """
    env = make_env(spec)
    try:
        if not isinstance(env.observation_space, Discrete) or env.observation_space.start != 0:
            raise CapabilityError(
                f"{spec.id} does not observe the number of its state",
                hint="FrozenLake, CliffWalking and Taxi do, without wrappers that change it",
            )
        names = resolve_names(spec, env)
        return from_toy_text(env, discount=discount, horizon=horizon, action_names=names.actions)
    finally:
        env.close()
