"""What was done so that an environment fits an agent, in sentences for the report."""

from pellucid.agents.sb3_layout import TURNED
from pellucid.envs import EnvSpec
from pellucid.envs.fitting import ROWS
from pellucid.envs.rows import RowSpace
from pellucid.types import Agent

MAX_PARTS = 8
"""Parts of an observation that are listed by name."""


def fitting_notes(agent: Agent, spec: EnvSpec, given: EnvSpec) -> tuple[str, ...]:
    """Return one sentence for each thing that was changed between environment and agent.

    Args:
        agent: The agent.
        spec: The environment as it is run.
        given: The environment as it was before it was fitted to the agent.
    """
    notes = [_frames(name) for name in spec.wrappers[len(given.wrappers) :]]
    if ROWS in spec.wrappers:
        spaces = ("observation", agent.observation_space), ("action", agent.action_space)
        notes += [_parts(what, space) for what, space in spaces if isinstance(space, RowSpace)]
    policy = getattr(agent, "card", {}).get("policy")
    turned = policy.get(TURNED) if isinstance(policy, dict) else None
    if turned:
        named = ", ".join(key for key in turned if key)
        notes.append(
            "The agent's network takes channels first; the environment's images"
            f"{f' ({named})' if named else ''} have them last and are turned for it."
        )
    return tuple(notes)


def _frames(wrapper: str) -> str:
    form, _, count = wrapper.rpartition(":")[2].rpartition("_")
    seen = (
        "joined along the channels, zeros before the start"
        if form == "joined"
        else "one after another, the first repeated before the start"
    )
    return (
        f"The agent was trained on {count} frames at once, and the environment shows one: it gets "
        f"the last {count}, oldest first, {seen} (wrapper {wrapper})."
    )


def _parts(what: str, space: RowSpace) -> str:
    names = [part.name for part in space.parts]
    listed = ", ".join(names[:MAX_PARTS]) + (" and others" if len(names) > MAX_PARTS else "")
    return (
        f"An {what} has {len(names)} parts ({listed}); they are laid out side by side, "
        "one number after another."
    )
