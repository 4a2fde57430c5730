"""The suite at its smallest scale: both ways agree, and nothing is judged."""

import numpy as np
import pytest

from pellucid.bench import policy_pool
from pellucid.bench.harness import Scale
from pellucid.tabular.agnostic import pool_values


def test_both_cases_are_compared_and_smoke_judges_nothing():
    noted = []
    rows = policy_pool.rows_of_pools(Scale.smoke, noted.append)
    assert len(rows) == len(noted) == 2
    for row in rows:
        assert row.error_ours < 1e-12
        assert row.ours_s > 0
        assert row.peer_s > 0
        assert row.met is None
        assert row.goal == "a million policies in 10 s"


@pytest.mark.parametrize("case", ["near a common behaviour", "random"])
def test_plain_values_are_those_of_the_pool(case):
    policies, pool = policy_pool.setting(case, Scale.smoke)
    few = policies.subset(np.arange(100))
    np.testing.assert_allclose(policy_pool.plain_values(few, pool), pool_values(few, pool).values)


def test_roll_outs_of_the_common_behaviour_are_followed_by_many_policies():
    near, random = (
        pool_values(*policy_pool.setting(case, Scale.smoke)).n_followed.mean()
        for case in ("near a common behaviour", "random")
    )
    assert near > 1 > random
