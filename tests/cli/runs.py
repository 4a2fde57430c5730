"""Small runs for tests, and what of two runs must be equal."""

import re
from pathlib import Path

from pellucid.api.running import explain_all
from pellucid.io import strict_json
from tests.cli import toy

ENV = "tests.cli.toy:line"
METHODS = ("shapley", "why-not")
SMALL = {"methods": METHODS, "budget": 10_000, "env_steps": 10_000, "n_episodes": 10}
TINY = {"methods": ("shapley",), "budget": 3_000, "env_steps": 800, "n_episodes": 5}

_VARYING = re.compile(r"^(seconds|time|run|run_id|report|sha256|pid|page)$")


def small_run(out: Path, agent=None, env=ENV, **changes):
    """Return a run of the network whose every weight is known."""
    chosen = toy.network() if agent is None else agent
    return explain_all(chosen, env, out=out, **(SMALL | changes))


def tiny_run(out: Path, agent=None, env=ENV, **changes):
    """Return a run that is over in a fraction of a second."""
    return small_run(out, agent, env, **(TINY | changes))


def stop_at(part):
    """Return a progress function that is interrupted when a part begins, as by Ctrl-C."""

    def progress(name, share):
        if name == part:
            raise KeyboardInterrupt

    return progress


def steady(value):
    """Return a stored document without seconds, times, run ids and hashes of such."""
    if isinstance(value, dict):
        return {k: steady(v) for k, v in value.items() if not _VARYING.match(k)}
    if isinstance(value, list):
        return [steady(item) for item in value]
    return value


def stored(folder: Path):
    """Return everything of a run folder that must be equal in equal runs."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".json":
            found[name] = steady(strict_json.read(path))
        elif path.is_file() and path.suffix != ".html":
            found[name] = path.read_bytes()
    return found
