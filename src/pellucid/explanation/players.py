"""Which groups of inputs an explanation gives values to: those asked for, else the usual ones."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.agents.flatten import flat
from pellucid.envs.resolve import make_env
from pellucid.errors import CapabilityError, DataError, InputError
from pellucid.explanation.contract import Task
from pellucid.explanation.groups import (
    InputGroups,
    blocks,
    grid_patches,
    image_layout,
    located_groups,
    named_groups,
    single_inputs,
    usual_patches,
)
from pellucid.rollouts.episodes import Episodes

GROUPS: Mapping[str, str] = {
    "groups": "what is hidden together: a grid of image patches such as 8x8, lists of inputs by "
    "name, or a function that finds objects"
}
"""The option of methods that explain inputs."""
MAX_SINGLE = 512
"""Inputs up to which each one is explained by itself."""
N_BLOCKS = 64
"""Stretches of neighbouring inputs into which a longer vector is cut."""
METADATA = "groups"
"""Where an environment may tell its groups, in the form of the option."""
_GRID = re.compile(r"(\d{1,4})\s*[x×]\s*(\d{1,4})")


def players_of(task: Task) -> InputGroups:
    """Return the groups that an explanation of inputs is about.

    Those of the option `groups`; else those of the environment's `metadata["groups"]`; else the
    patches of an image, the inputs of a vector one by one, or stretches of a very long one. An
    option or metadata may be a grid such as `8x8`, a mapping from names to inputs (numbers or
    names), or a function from a batch of observations to one number of an object per input or
    pixel (-1 for none), whose attribute `names` names the objects.

    Raises:
        DataError: There are no visited states.
        InputError: The groups do not fit the observations.
    """
    visited = task.episodes.visited
    if len(task.episodes) == 0 or len(visited) == 0:
        raise DataError("there are no visited states to explain", hint="collect episodes first")
    shape, n_inputs = visited.shape[1:], int(flat(visited[:1]).shape[1])
    asked = task.options.get("groups")
    if asked is None:
        asked = _told(task.episodes)
    if asked is not None:
        return _asked(asked, shape, n_inputs, task.episodes.names.inputs)
    if image_layout(shape) is not None:
        return usual_patches(shape)
    if n_inputs <= MAX_SINGLE:
        return single_inputs(task.episodes.names.inputs)
    return blocks(n_inputs, N_BLOCKS)


def fixed_players_of(task: Task) -> InputGroups:
    """Return the groups, the same in every observation.

    Raises:
        CapabilityError: They are found anew in each.
    """
    groups = players_of(task)
    if groups.labels is None:
        raise CapabilityError(
            "this method needs the same groups of inputs in every observation",
            hint="use shapley or perturbation, which follow objects",
        )
    return groups


def _told(episodes: Episodes) -> Any:
    """Return the groups that the environment tells, None if it tells none; asked once."""
    if episodes.spec is None:
        return None
    remembered = vars(episodes).get("_groups", episodes)
    if remembered is episodes:
        env = make_env(episodes.spec)
        try:
            remembered = (env.metadata or {}).get(METADATA)
        finally:
            env.close()
        # as `functools.cached_property` does: a fact about frozen data, found late
        vars(episodes)["_groups"] = remembered
    return remembered


def _asked(asked: Any, shape: tuple[int, ...], n_inputs: int, names: Sequence[str]) -> InputGroups:
    if isinstance(asked, str):
        grid = _GRID.fullmatch(asked.strip())
        if grid is None:
            raise InputError(
                f"groups must be a grid such as 8x8, not {asked!r:.60}",
                hint="or a mapping from names to lists of inputs",
            )
        return grid_patches(shape, int(grid[1]), int(grid[2]))
    if isinstance(asked, Mapping):
        members = [(str(name), _positions(name, given, names)) for name, given in asked.items()]
        return named_groups(members, n_inputs)
    if callable(asked):
        objects = getattr(asked, "names", None)
        if not isinstance(objects, Sequence) or not all(isinstance(o, str) for o in objects):
            raise InputError(
                "a function that finds groups must name them",
                hint="give it an attribute `names`, such as find.names = ('ball', 'paddle')",
            )
        return located_groups(asked, objects)
    raise InputError(
        f"groups must be a grid such as 8x8, a mapping or a function, got {type(asked).__name__}"
    )


def _positions(group: Any, given: Any, names: Sequence[str]) -> list[int]:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise InputError(f"the group {group!r} must be a list of inputs, got {given!r:.60}")
    numbers = {name: number for number, name in enumerate(names)}
    positions = []
    for item in given:
        if isinstance(item, str) and item in numbers:
            positions.append(numbers[item])
        elif isinstance(item, str) and item.isdecimal():  # a names file holds text alone
            positions.append(int(item))
        elif isinstance(item, int) and not isinstance(item, bool):
            positions.append(item)
        else:
            raise InputError(
                f"the group {group!r} names the input {item!r:.60}, which is not there",
                hint=f"inputs: {', '.join(names[:8])}{', …' if len(names) > 8 else ''}",
            )
    return positions
