"""Explains a long log and prints what it took; run in a process of its own, whose peak it reads."""

import json
import resource
import sys
from pathlib import Path

import numpy as np

from pellucid.api.locating import SHIPPED
from pellucid.api.running import explain_all

N_INPUTS, N_EPISODES = 8, 12
BYTES_PER_STEP = N_INPUTS * 4 + 8 + 8  # float32 inputs, an action, a reward


def write_log(folder: Path, n_steps: int) -> None:
    """Write states of about the range of LunarLander's, with actions that follow from them."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    observations = rng.normal(0, 0.5, (n_steps, N_INPUTS)).astype(np.float32)
    ends = np.zeros(n_steps, dtype=bool)
    ends[np.linspace(0, n_steps, N_EPISODES + 1).astype(int)[1:] - 1] = True
    np.savez(
        folder / "steps.npz",
        observations=observations,
        actions=np.digitize(observations[:, 0], [-0.5, 0.0, 0.5]),
        rewards=observations[:, 1].astype(np.float64),
        terminations=ends,
    )


def peak_bytes() -> int:
    """Return the most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Explain a short log, which loads every library, then a long one."""
    folder, n_steps, methods = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    peaks, badges = [], {}
    for name, steps in (("short", 2400), ("long", n_steps)):
        write_log(folder / f"log-{name}", steps)
        run = explain_all(
            SHIPPED,
            logs=folder / f"log-{name}",
            out=folder / name,
            methods=methods,
            n_episodes=N_EPISODES,
        )
        peaks.append(peak_bytes())
        badges = {e.method: e.badge for e in run.record.explanations}
    page = (folder / "long" / "report.html").stat().st_size
    steps = sum(map(len, run.record.episodes.used))
    print(json.dumps({"peaks": peaks, "badges": badges, "page": page, "steps": steps}))


if __name__ == "__main__":
    main()
