"""F36: no budget is exceeded, for every registered explainer, and the result says what was used."""

import pytest
from tests.contracts.agents import COUNTED, TRACK, Counted, CountingAgent, LinearAgent, on_the_track

import pellucid as pl
from pellucid import registry
from pellucid.budget import Cost

HUGE = Cost(10**12, 10**12)


@pytest.fixture(scope="module")
def episodes():
    return pl.collect(LinearAgent(), TRACK, n_episodes=10, seed=0, wrappers=(COUNTED,))


def run(method, episodes, allowed, *, score=True):
    """Explain; return the result with the rows and steps that were really taken."""
    agent = CountingAgent(LinearAgent())
    before = Counted.steps
    result = pl.explain(agent, episodes, method=method, budget=allowed, seed=0, score=score)
    return result, Cost(agent.rows, Counted.steps - before)


@pytest.fixture(scope="module")
def full(episodes):
    """What each method really uses when it may use anything."""
    return {name: run(name, episodes, HUGE) for name in registry.names("explainers")}


@pytest.mark.parametrize("method", on_the_track())
def test_f36_a_huge_budget_is_not_used_up_and_use_is_told_exactly(method, full) -> None:
    result, real = full[method]
    assert result.complete
    assert result.content is not None
    assert result.badge != "not_measured"
    assert (result.used.queries, result.used.env_steps) == (real.queries, real.env_steps)
    assert real.queries > 0


@pytest.mark.parametrize("method", registry.names("explainers"))
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.9])
def test_f36_a_share_of_the_need_is_not_exceeded(method, share, episodes, full) -> None:
    need = full[method][1]
    check(method, episodes, need.share(share))


@pytest.mark.parametrize("method", registry.names("explainers"))
@pytest.mark.parametrize("short", ["queries", "env_steps"])
def test_f36_one_too_few_is_not_exceeded(method, short, episodes, full) -> None:
    need = full[method][1]
    check(method, episodes, need - Cost(**{short: min(1, getattr(need, short))}))


@pytest.mark.parametrize("method", registry.names("explainers"))
def test_f36_one_query_and_one_step_are_not_exceeded(method, episodes) -> None:
    result = check(method, episodes, Cost(1, 1))
    assert result.badge == "not_measured"


@pytest.mark.parametrize("method", on_the_track())
def test_f36_without_tests_the_whole_budget_goes_to_the_explanation(method, episodes) -> None:
    result, real = run(method, episodes, HUGE, score=False)
    assert (result.used.queries, result.used.env_steps) == (real.queries, real.env_steps)
    assert (result.badge, result.faithfulness) == ("not_measured", ())
    assert result.content is not None


def check(method, episodes, allowed):
    """Check that what was really done is within the budget and is what the result tells."""
    result, real = run(method, episodes, allowed)
    assert real.fits(allowed)
    assert (result.used.queries, result.used.env_steps) == (real.queries, real.env_steps)
    assert result.allowed == allowed
    if result.content is None:
        assert result.badge == "not_measured"
        assert result.reason
        assert result.need
    return result
