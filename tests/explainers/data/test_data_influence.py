"""Data influence against fits that never had the episode."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from tests.agents.contexts import Rememberer
from tests.explainers.cases import LinearQ, logged, task

from pellucid.agents.recorded import recorded_agent
from pellucid.agents.spaces import Spaces
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explainers.data.data_influence import DataInfluence
from pellucid.kernels.leave_out import CONSTANT
from pellucid.rollouts.clones import fit_clone

WEIGHTS = np.array([[1.0, -1.0], [0.0, 0.0]])
AGENT = LinearQ(WEIGHTS)


def test_an_influence_is_what_fitting_again_without_the_episode_changes() -> None:
    episodes = logged(2, 2, lengths=(12, 9, 10, 11))
    content = DataInfluence().explain(task(AGENT, episodes)).content
    clone = fit_clone(episodes, AGENT.action_space)
    fit, owners = clone.fit, clone.episodes
    kernel = np.exp(-0.5 * (cdist(fit.rows, fit.rows) / fit.width) ** 2) + CONSTANT
    penalty = float(np.linalg.inv(fit.inverse)[0, 0] - kernel[0, 0])
    targets = np.eye(2)[np.concatenate([e.actions for e in episodes.used])]
    near = clone.similarities(episodes, content.moments)

    def given(row, without):
        kept = ~np.isin(owners, without)
        matrix = kernel[np.ix_(kept, kept)] + penalty * np.eye(kept.sum())
        told = near[row, kept] @ np.linalg.solve(matrix, targets[kept])
        episode, step = content.moments[row]
        decision = int(AGENT.act(episodes[episode].observations[step : step + 1])[0])
        return 100.0 * told[decision]

    for row, (own, _) in enumerate(content.moments.tolist()):
        for other in range(4):
            lost = 0.0 if other == own else given(row, [own]) - given(row, [own, other])
            assert content.by_moment[row, other] == pytest.approx(lost, abs=1e-6)
    assert content.total == pytest.approx(given(content.shown, [content.moments[content.shown][0]]))


def test_who_taught_it_counts_and_who_taught_otherwise_counts_against() -> None:
    episodes = logged(2, 2, lengths=(10, 10, 10))
    for number, episode in enumerate(episodes.attempted):
        episode.observations[:, 0] = 1.0
        episode.actions[:] = number // 2  # the third one did the other thing there
    finding = DataInfluence().explain(task(AGENT, episodes, options={"episode": 0, "step": 2}))
    assert finding.facts["x"].value == "episode 1"
    own, one, two = finding.content.values
    assert own == 0.0
    assert one > 0.0 > two


def test_a_log_without_its_agent_is_explained_by_what_was_recorded() -> None:
    record = recorded_agent("log", Spaces(AGENT.observation_space, AGENT.action_space), "")
    asked = task(record, logged(2, 2), queries=0)
    assert np.isfinite(DataInfluence().explain(asked).content.by_moment).all()


def test_the_plan_is_what_is_used_and_a_memory_is_refused() -> None:
    asked = task(AGENT, logged(2, 2))
    planned = DataInfluence().plan(asked).queries
    DataInfluence().explain(asked)
    assert asked.meter.used.queries == planned == 13
    with pytest.raises(BudgetError, match="takes 13 agent queries; 12 are left"):
        DataInfluence().explain(task(AGENT, logged(2, 2), queries=12))
    with pytest.raises(CapabilityError, match="has a memory"):
        DataInfluence().plan(task(Rememberer(), logged(3, 2)))
