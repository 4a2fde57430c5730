"""Under which licences the software is that a run was made with, as installed packages state it."""

import importlib.metadata
from collections.abc import Iterable
from functools import cache

from pellucid.provenance import PACKAGES

PYTHON = "PSF-2.0"
NOT_STATED = "not stated"
_LONGEST = 120
"""Signs of the longest name of a licence; some packages put the whole text in its place."""
_CLASSIFIER = "License :: OSI Approved :: "


def licences_of(names: Iterable[str]) -> dict[str, str]:
    """Return the licence of each package by its name in provenance.

    Args:
        names: As in `provenance.versions`; what is not installed here is not stated.

    Example:
        >>> licences_of(["python", "pellucid"])
        {'python': 'PSF-2.0', 'pellucid': 'Apache-2.0'}
    """
    return {
        name: PYTHON if name == "python" else licence(PACKAGES.get(name, name)) for name in names
    }


@cache
def licence(distribution: str) -> str:
    """Return the licence of an installed distribution, `not stated` if its metadata has none."""
    try:
        metadata = importlib.metadata.metadata(distribution)
    except importlib.metadata.PackageNotFoundError:
        return NOT_STATED
    for field in ("License-Expression", "License"):
        named = "".join(metadata.get_all(field) or []).strip()
        if named and "\n" not in named and len(named) <= _LONGEST:
            return named
    classifiers = metadata.get_all("Classifier") or []
    listed = [c.removeprefix(_CLASSIFIER) for c in classifiers if c.startswith(_CLASSIFIER)]
    return ", ".join(listed) or NOT_STATED
