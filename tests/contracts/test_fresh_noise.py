"""What is chosen is tested on noise that the choosing never saw."""

from functools import partial

import pytest

import pellucid as pl
from pellucid.explainers.state import critical_steps
from pellucid.explanation import parting
from pellucid.faithfulness import replays
from pellucid.rollouts.snapshots import noise_seed
from tests.faithfulness.cases import Cues, Follower, run


@pytest.mark.parametrize(
    ("method", "module", "n_runs"),
    [
        ("why-not", parting, 3),
        ("outcomes-if", parting, 3),
        ("critical-steps", critical_steps, 1),
    ],
)
def test_searching_comparing_and_testing_share_no_noise(method, module, n_runs, monkeypatch):
    seen = []

    def recorded(real, agent, episodes, branches, **options):
        if any(b.noise is not None for b in branches):
            seeds = {noise_seed(options["seed"], b.noise, b.episode, b.step) for b in branches}
            seen.append((seeds, {(options["seed"], b.noise) for b in branches}))
        return real(agent, episodes, branches, **options)

    for place in (module, replays):
        monkeypatch.setattr(place, "run_branches", partial(recorded, place.run_branches))
    agent = Follower()
    episodes = run(agent, partial(Cues, noise=0.1), n_episodes=2)
    pl.explain(agent, episodes, method=method, seed=0)
    assert len(seen) == n_runs  # critical-steps searches under the own noise of the episode
    for i, (seeds, replicates) in enumerate(seen):
        for other_seeds, other_replicates in seen[i + 1 :]:
            assert not seeds & other_seeds
            assert not replicates & other_replicates
