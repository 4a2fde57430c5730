"""Whether a record still speaks of the code that is there: a hash of what the claim runs.

The hash covers the claim's own file, what judges it, and every module of the same packages that
they import, directly or not; `io.code_hash` says what counts.
"""

from pellucid.io import code_hash as hashing

JUDGE = "pellucid.claims.judging"


def code_hash(module: str) -> str:
    """Return the SHA-256 of the code that a claim's module runs, in hexadecimal.

    Args:
        module: Dotted name of the module that declares the claim; it is not imported.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    return hashing.code_hash(module, JUDGE)


def closure(module: str) -> list[str]:
    """Return the modules that count for a claim's module, sorted by name.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    return hashing.closure(module, JUDGE)
