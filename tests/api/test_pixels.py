"""An agent of pixels, trained in this repository, from its file to a report."""

import json
from pathlib import Path
from typing import Any

import pytest

import pellucid as pl

AGENT = Path(__file__).parent.parent / "data" / "pixels" / "catch.zip"
CATCH = "pellucid/Catch-v0"


def test_the_agent_catches_every_ball() -> None:
    agent = pl.load_agent(str(AGENT), env=CATCH)
    assert agent.framework == "stable-baselines3 PPO"
    episodes = pl.collect(agent, CATCH, n_episodes=5, seed=3)
    assert episodes.returns.tolist() == [8.0] * 5
    assert episodes.names.inputs[0] == "row 0, column 0, red"
    assert episodes.names.actions == ("move left", "stay", "move right")


def test_the_report_says_that_images_are_turned(tmp_path: Path) -> None:
    small: Any = {"methods": "sarfa", "n_episodes": 5, "budget": 400, "env_steps": 400}
    run = pl.explain_all(str(AGENT), CATCH, out=tmp_path / "run", **small)
    assert any("takes channels first" in told for told in run.record.warnings)
    assert "takes channels first" in run.report.read_text()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_agent_of_pixels_is_explained_end_to_end(tmp_path: Path) -> None:
    run = pl.explain_all(
        str(AGENT),
        CATCH,
        out=tmp_path / "run",
        methods="perturbation,why-not",
        n_episodes=5,
        budget=30_000,
        env_steps=40_000,
    )
    document = json.loads((run.folder / "report.json").read_text())
    inputs, contrast = document["explanations"]
    assert inputs["badge"] != "not_measured"
    assert contrast["badge"] == "supported"
    content: Any = pl.load_explanation(run.folder / "explanations" / "perturbation").content
    ranked = [content.input_names[i] for i in content.ranking]
    # of what is known to mean something, and what is known to mean nothing
    assert set(ranked[:2]) == {"the ball", "the paddle"}
    assert ranked[-1] == "the cloud"
    page = run.report.read_text()
    assert "channels first" in page
    assert "data:image/webp" in page  # pictures of the game
    assert (run.folder / "agent" / "weights.safetensors").is_file()
    # and again from what is stored, without the file
    again = pl.load_agent(str(run.folder), env=CATCH)
    assert pl.collect(again, CATCH, n_episodes=1, seed=3).returns.tolist() == [8.0]
