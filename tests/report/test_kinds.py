"""Check 1 of a report, on every kind of agent that can be explained: what is seen first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
import torch
from sklearn.tree import DecisionTreeClassifier
from torch import nn

import pellucid as pl
from pellucid.api.teams import explain_team
from tests.agents.test_team import network
from tests.report.browsing import check_first_screen, opened

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DATA = Path(__file__).parents[1] / "data"
CARTPOLE = "CartPole-v1"
METHODS = ("perturbation", "critical-steps", "why-not", "highlights")
SMALL: dict[str, Any] = {
    "methods": METHODS,
    "n_episodes": 8,
    "budget": 20_000,
    "env_steps": 8_000,
}


class ActorCritic(nn.Module):
    """A choice and a value of what CartPole shows."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.Tanh())
        self.actor, self.critic = nn.Linear(8, 2), nn.Linear(8, 1)

    def forward(self, observations: Any) -> Any:
        features = self.body(observations)
        return self.actor(features), self.critic(features)


def stored(name: str, env: str) -> Callable[[Path], Any]:
    """Explain an agent that is stored with the tests."""
    return lambda folder: pl.explain_all(DATA / name, env, out=folder / "run", **SMALL)


def torch_module(folder: Path) -> Any:
    torch.manual_seed(0)
    agent = pl.load_agent(ActorCritic(), env=CARTPOLE, outputs="logits_and_value")
    return pl.explain_all(agent, CARTPOLE, out=folder / "run", **SMALL)


def fitted_tree(folder: Path) -> Any:
    rows = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    skops.io.dump(
        DecisionTreeClassifier(max_depth=3).fit(rows, rows[:, 2] + rows[:, 3] > 0),
        folder / "tree.skops",
    )
    return pl.explain_all(folder / "tree.skops", CARTPOLE, out=folder / "run", **SMALL)


def log(folder: Path) -> Any:
    agent = pl.load_agent(lambda o: (o[:, 2] > 0).astype(np.int64), env=CARTPOLE)
    episodes = pl.collect(agent, CARTPOLE, n_episodes=8, seed=3)
    rows = {
        "observations": [e.observations[:-1] for e in episodes.used],
        "actions": [e.actions for e in episodes.used],
        "rewards": [e.rewards for e in episodes.used],
        "terminations": [np.arange(len(e)) == len(e) - 1 for e in episodes.used],
    }
    (folder / "log").mkdir()
    np.savez(folder / "log" / "steps.npz", **{k: np.concatenate(v) for k, v in rows.items()})
    return pl.explain_all(folder / "log", out=folder / "run", **SMALL)


def member(folder: Path) -> Any:
    team = {"early": network(0), "*": network(1)}
    run = explain_team(team, "tests.envs.parallel_toy:make", out=folder / "run", **SMALL)
    return run.runs["steady"]


KINDS: dict[str, Callable[[Path], Any]] = {
    "pixels": stored("pixels/catch.zip", "pellucid/Catch-v0"),
    "quantiles": stored("contrib/qrdqn_keydoortrap.zip", "pellucid/KeyDoorTrap-v0"),
    "masked": stored("contrib/maskable_gates.zip", "pellucid.envs.small.gates:Gates"),
    "recurrent": stored("contrib/recurrent_recall.zip", "pellucid.envs.small.recall:Recall"),
    "continuous": stored("contrib/tqc_pendulum.zip", "Pendulum-v1"),
    "torch module": torch_module,
    "scikit-learn": fitted_tree,
    "log": log,
    "member": member,
}


@pytest.fixture(scope="module", params=KINDS)
def address(request: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    run = KINDS[request.param](tmp_path_factory.mktemp("kind"))
    assert len(run.record.explanations) == len(METHODS)
    return str(run.report.as_uri())


def test_the_first_screen_holds_answer_counts_and_findings(chromium: Any, address: str) -> None:
    with opened(chromium, address, viewport={"width": 1280, "height": 800}) as (page, misdeeds):
        check_first_screen(page)
        assert misdeeds == []


@pytest.mark.parametrize("width", [320, 390])
def test_the_page_never_scrolls_sideways(chromium: Any, address: str, width: int) -> None:
    with opened(chromium, address, viewport={"width": width, "height": 844}) as (page, _):
        page.eval_on_selector_all("details", "els => els.forEach(e => e.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
