"""Seeds for independent streams, derived by name so that adding one never shifts another."""

import zlib

import numpy as np


def stream(seed: int, *path: str | int) -> np.random.Generator:
    """Return the generator of one named stream of a run.

    Args:
        seed: The run's seed, non-negative.
        path: What the stream is for, such as `("shapley", "background")` or `("branch", 3)`.

    Example:
        >>> a, b = stream(0, "x", 1), stream(0, "x", 1)
        >>> bool(a.random() == b.random())
        True
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=_key(path)))


def derived_seed(seed: int, *path: str | int) -> int:
    """Return a 32-bit seed for a named stream, for code that takes only integers."""
    return int(np.random.SeedSequence(seed, spawn_key=_key(path)).generate_state(1)[0])


def episode_seeds(seed: int, n_episodes: int) -> list[int]:
    """Return the seed of each episode: the i-th child of `SeedSequence(seed)`, as 32 bits."""
    children = np.random.SeedSequence(seed).spawn(n_episodes)
    return [int(child.generate_state(1)[0]) for child in children]


def _key(path: tuple[str | int, ...]) -> tuple[int, ...]:
    # crc32 and not hash(): the built-in hash of a string changes from process to process
    return tuple(p if isinstance(p, int) else zlib.crc32(p.encode()) for p in path)
