"""Train the small agents of sb3-contrib that the tests explain; takes a few minutes on one core.

    python scripts/train_contrib.py [NAME ...]

Writes `tests/data/contrib/<name>.zip`, each below 200 kB. A replay buffer is not part of them.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from gymnasium.wrappers import TimeLimit
from sb3_contrib import QRDQN, TQC, MaskablePPO, RecurrentPPO

from pellucid.envs.resolve import make_env, resolve_env
from pellucid.envs.small.gates import Gates
from pellucid.envs.small.key_door_trap import KeyDoorTrap
from pellucid.envs.small.recall import Recall

FOLDER = Path(__file__).parents[1] / "tests" / "data" / "contrib"
MAX_BYTES = 200_000
SMALL = {"net_arch": [32, 32]}


def recurrent() -> Any:
    """Return a recurrent agent that answers what it saw five steps before."""
    model = RecurrentPPO(
        "MlpLstmPolicy",
        Recall(),
        n_steps=384,
        batch_size=96,
        n_epochs=8,
        learning_rate=3e-3,
        ent_coef=0.01,
        policy_kwargs={"lstm_hidden_size": 12, "net_arch": [16], "enable_critic_lstm": True},
        seed=1000,
        device="cpu",
    )
    return model.learn(30_000)


def masked() -> Any:
    """Return an agent that chooses among the actions that its environment allows."""
    model = MaskablePPO(
        "MlpPolicy",
        Gates(),
        n_steps=512,
        batch_size=64,
        learning_rate=1e-3,
        policy_kwargs=SMALL,
        seed=1000,
        device="cpu",
    )
    return model.learn(15_000)


def quantiles() -> Any:
    """Return an agent that learnt the distribution of the return of each action."""
    model = QRDQN(
        "MlpPolicy",
        TimeLimit(KeyDoorTrap(), 20),
        learning_starts=500,
        learning_rate=1e-3,
        buffer_size=10_000,
        target_update_interval=250,
        exploration_fraction=0.5,
        policy_kwargs={"net_arch": [32, 32], "n_quantiles": 16},
        seed=1000,
        device="cpu",
    )
    return model.learn(12_000)


def truncated() -> Any:
    """Return an agent for continuous actions whose critics drop their largest quantiles."""
    model = TQC(
        "MlpPolicy",
        make_env(resolve_env("Pendulum-v1")),
        learning_starts=500,
        learning_rate=1e-3,
        buffer_size=10_000,
        policy_kwargs={"net_arch": [32, 32], "n_critics": 2, "n_quantiles": 10},
        seed=1000,
        device="cpu",
    )
    return model.learn(6_000)


AGENTS: dict[str, Callable[[], Any]] = {
    "recurrent_recall": recurrent,
    "maskable_gates": masked,
    "qrdqn_keydoortrap": quantiles,
    "tqc_pendulum": truncated,
}


def main(names: list[str]) -> None:
    """Train the agents of these names, all if there are none."""
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or AGENTS:
        path = FOLDER / f"{name}.zip"
        AGENTS[name]().save(path, exclude=["ep_info_buffer", "ep_success_buffer"])
        size = path.stat().st_size
        print(f"{path.name}: {size / 1000:.0f} kB")
        if size > MAX_BYTES:
            sys.exit(f"{path} is larger than {MAX_BYTES} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
