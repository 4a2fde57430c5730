"""The suite of finite problems at its smallest scale."""

import numpy as np

from pellucid.bench import tabular
from pellucid.bench.harness import Counted, Scale
from pellucid.tabular.bridge import bridge_mdp
from pellucid.tabular.horizon import stages


def test_rows_tell_both_ways_and_prove_nothing_when_small() -> None:
    noted: list[str] = []
    planning, plain, traffic, *pools = tabular.run(Scale.smoke, noted.append)
    assert len(noted) == 5
    # 5 steps, 4 actions, 10 episodes: as many steps either way
    assert planning.evaluations_ours == planning.evaluations_peer == 4 * 10 * (5 + 4 + 3 + 2 + 1)
    assert planning.goal == "at least 50 million environment steps a second"
    assert plain.error_ours is not None
    assert plain.error_ours < 1e-12
    assert traffic.goal == "at most 3 times the memory traffic alone"
    assert {row.met for row in (planning, plain, traffic, *pools)} == {None}
    assert {row.suite for row in pools} == {"tabular"}
    assert len(pools) == 2


def test_the_plain_way_plans_as_well() -> None:
    staged = stages(bridge_mdp("maze_easy_l0_30_fs1"))
    counter = Counted(lambda rows: rows)
    values = [tabular._plain_plan(staged, 3, seed, counter) for seed in range(5)]
    assert np.mean(values) == 10.0
