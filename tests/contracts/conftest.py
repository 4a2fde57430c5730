"""Episodes of the known agents on the track, made once."""

import pytest

import pellucid as pl
from tests.contracts.agents import COUNTED, TRACK, LinearAgent


@pytest.fixture(scope="session")
def episodes():
    """Ten short episodes of the linear agent; steps taken from them later are counted."""
    return pl.collect(LinearAgent(), TRACK, n_episodes=10, seed=0, wrappers=(COUNTED,))
