"""Names of the inputs and actions of MPE's members, in the order in which its code lists them."""

from collections.abc import Mapping
from typing import Any

_MOVES = ("stay", "move left", "move right", "move down", "move up")


def names_of(env: str, member: str, made: Any) -> Mapping[str, Any] | None:
    """Return the names of one member's inputs and actions; None where they are not known.

    Args:
        env: Name of the environment.
        member: Id of the member.
        made: The environment.
    """
    if env != "mpe2:simple_spread_v3":
        return None
    size = int(made.observation_space(member).shape[0])
    others = len(made.possible_agents) - 1
    landmarks = (size - 4 - 4 * others) // 2
    inputs = ["own velocity, sideways", "own velocity, upwards"]
    inputs += ["own position, sideways", "own position, upwards"]
    for i in range(1, landmarks + 1):
        inputs += [f"way to landmark {i}, sideways", f"way to landmark {i}, upwards"]
    for i in range(1, others + 1):
        inputs += [f"way to other {i}, sideways", f"way to other {i}, upwards"]
    for i in range(1, others + 1):
        inputs += [f"signal of other {i}, first part", f"signal of other {i}, second part"]
    actions = made.action_space(member)
    if len(inputs) != size or getattr(actions, "n", 0) != len(_MOVES):
        return None
    return {"inputs": inputs, "actions": list(_MOVES)}
