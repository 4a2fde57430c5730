"""Train the small convolutional agent of the game Catch that the tests explain end to end.

Stable-Baselines3's own PPO with `CnnPolicy`, about two minutes on one core. The archive keeps no
state of the optimiser, which is two thirds of its size and of no use to an explanation.

    python scripts/train_catch.py --out tests/data/pixels/catch.zip
"""

import argparse
from pathlib import Path

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

import pellucid as pl
from pellucid.stats import mean_interval

ENV = "pellucid/Catch-v0"
TIMESTEPS = 120_000
SEED, RECORD_SEED, N_EPISODES = 1000, 2_000_000, 100


def main() -> None:
    """Train, save, and print the return over fresh episodes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--timesteps", type=int, default=TIMESTEPS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    train(arguments.out, arguments.timesteps)
    agent = pl.load_agent(str(arguments.out), env=ENV)
    measured = mean_interval(
        pl.collect(agent, ENV, n_episodes=N_EPISODES, seed=RECORD_SEED).returns
    )
    print(f"return {measured.value:.2f} ({measured.low:.2f} to {measured.high:.2f})")


def train(path: Path, timesteps: int) -> None:
    """Train from scratch and write a Stable-Baselines3 zip."""
    model = PPO(
        "CnnPolicy",
        make_vec_env(_env_id(), n_envs=16, seed=SEED),
        n_steps=128,
        batch_size=256,
        n_epochs=4,
        gamma=0.97,
        gae_lambda=0.9,
        ent_coef=0.01,
        learning_rate=lambda remaining: 1e-3 * remaining,
        policy_kwargs={"features_extractor_kwargs": {"features_dim": 32}},
        seed=SEED,
        device="cpu",
        verbose=1,
    )
    model.learn(timesteps)
    model.policy.optimizer = torch.optim.SGD(model.policy.parameters(), lr=0.0)
    path.parent.mkdir(parents=True, exist_ok=True)
    model.save(path)


def _env_id() -> str:
    pl.resolve_env(ENV)  # registers it
    return ENV


if __name__ == "__main__":
    main()
