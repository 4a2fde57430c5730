"""Train the LunarLander agent that ships in the package, with Stable-Baselines3's own PPO.

Hyper-parameters are those of rl-baselines3-zoo for PPO on LunarLander, with a linear learning-rate
decay so that the last policy, not the best of many, is the one that ships.

    python scripts/train_lunarlander.py --out lunarlander.zip
"""

import argparse
from pathlib import Path

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

TIMESTEPS = 1_500_000
SEED = 1000


def main() -> None:
    """Train, then write a Stable-Baselines3 zip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--timesteps", type=int, default=TIMESTEPS)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    envs = make_vec_env("LunarLander-v3", n_envs=16, seed=arguments.seed)
    model = PPO(
        "MlpPolicy",
        envs,
        n_steps=1024,
        batch_size=64,
        gae_lambda=0.98,
        gamma=0.999,
        n_epochs=4,
        ent_coef=0.01,
        learning_rate=lambda remaining: 3e-4 * remaining,
        seed=arguments.seed,
        device="cpu",
        verbose=1,
    )
    model.learn(arguments.timesteps)
    model.save(arguments.out)


if __name__ == "__main__":
    main()
