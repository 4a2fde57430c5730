"""One digest per explainer of everything in its result that must be the same from run to run.

Run as a script (`python -m tests.contracts.digests JOBS [METHOD ...]`) it prints them as JSON, so
that processes with other hash seeds and numbers of workers can be compared.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import pellucid as pl
from pellucid.budget import Cost
from pellucid.io import strict_json
from tests.contracts.agents import N_STEPS, TRACK, LinearAgent, on_the_track

BUDGET = Cost(200_000, 6_000)
CHANGING = ("seconds",)


def digest(result: pl.Explanation, folder: Path) -> str:
    """Return the SHA-256 of a saved explanation without its wall time and time of day."""
    path = result.save(folder / "saved")
    document = strict_json.read(path, max_bytes=2**24)
    # the checksum beside it is over the times too
    text = json.dumps(without_times(document["explanation"]), sort_keys=True)
    arrays = path.with_suffix(".safetensors").read_bytes()
    return hashlib.sha256(text.encode() + arrays).hexdigest()


def without_times(value: object) -> object:
    """Return a document without `seconds` and without `time` in its provenance."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in CHANGING}
        if "versions" in kept and "time" in kept:
            del kept["time"]
        return {k: without_times(v) for k, v in kept.items()}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def digests(
    jobs: int, *, seed: int = 0, policy: str = "greedy", methods: tuple[str, ...] = ()
) -> dict[str, str]:
    """Return the digest of explainers, by default of all that apply, on the linear agent."""
    agent = LinearAgent()
    env = pl.resolve_env(TRACK, max_steps=N_STEPS)
    episodes = pl.collect(agent, env, n_episodes=8, seed=seed, policy=policy, jobs=jobs)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in methods or on_the_track():
            result = pl.explain(agent, episodes, method=name, seed=seed, jobs=jobs, budget=BUDGET)
            assert result.content is not None, result.reason
            found[name] = digest(result, Path(folder))
    return found


if __name__ == "__main__":
    print(json.dumps(digests(int(sys.argv[1]), methods=tuple(sys.argv[2:]))))
