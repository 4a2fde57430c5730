"""Train and record the LunarLander agent that ships in the package.

Stable-Baselines3's own PPO with the hyper-parameters of rl-baselines3-zoo and a linear
learning-rate decay, so that the last policy, not the best of many, is the one that ships. The
record is the return over 100 episodes with seeds that training never used.

    python scripts/train_lunarlander.py --out src/pellucid/agents/shipped/lunarlander
"""

import argparse
import dataclasses
import tempfile
from pathlib import Path

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

import pellucid as pl
from pellucid.agents import save_agent
from pellucid.provenance import versions
from pellucid.stats import mean_interval

ENV = "LunarLander-v3"
TIMESTEPS = 1_500_000
SEED, RECORD_SEED, N_EPISODES = 1000, 2_000_000, 100


def main() -> None:
    """Train (or take a trained zip), measure, and write card and weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trained", type=Path, help="a zip of an earlier training run")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.trained or train(Path(folder) / "ppo_lunarlander.zip")
        record(path, arguments.out)


def train(path: Path) -> Path:
    """Train from scratch and write a Stable-Baselines3 zip."""
    model = PPO(
        "MlpPolicy",
        make_vec_env(ENV, n_envs=16, seed=SEED),
        n_steps=1024,
        batch_size=64,
        gae_lambda=0.98,
        gamma=0.999,
        n_epochs=4,
        ent_coef=0.01,
        learning_rate=lambda remaining: 3e-4 * remaining,
        seed=SEED,
        device="cpu",
        verbose=1,
    )
    model.learn(TIMESTEPS)
    model.save(path)
    return path


def record(path: Path, out: Path) -> None:
    """Measure the return on fresh episodes and store the agent with its card."""
    agent = pl.load_agent(str(path), env=pl.resolve_env(ENV), name="LunarLander (PPO)")
    episodes = pl.collect(agent, ENV, n_episodes=N_EPISODES, seed=RECORD_SEED)
    measured = mean_interval(episodes.returns)
    steps = sum(len(e) for e in episodes.used) / len(episodes)
    facts = {
        "env": ENV,
        "purpose": "an example to explain; not fit for any other use",
        "training": f"python scripts/train_lunarlander.py ({TIMESTEPS} steps of PPO, seed {SEED})",
        "trained_with": versions(),
        "recorded_return": {
            "mean": measured.value,
            "low": measured.low,
            "high": measured.high,
            "n": measured.n,
            "source": f"{N_EPISODES} episodes, run seed {RECORD_SEED}, most-likely actions",
            "mean_steps": steps,
        },
    }
    card = {key: value for key, value in agent.card.items() if key != "origin"}
    save_agent(dataclasses.replace(agent, card=card | facts), out)
    print(
        f"return {measured.value:.1f} ({measured.low:.1f} to {measured.high:.1f}), n {measured.n}"
    )


if __name__ == "__main__":
    main()
