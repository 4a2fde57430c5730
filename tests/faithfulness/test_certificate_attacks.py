"""Certificate attacks: true radii stand, radii that are a little too large fall."""

import pytest

from pellucid.faithfulness import certificate_attacks as module
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.certificate_attacks import certificate_attacks
from tests.faithfulness.test_certified_order import checked


@pytest.fixture(autouse=True)
def _fewer_attacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CERTIFICATE_ATTACKS", 300)


def _badge(score) -> str:
    return judge(score, complete=True, rerun_possible=True).badge


def test_true_radii_stand() -> None:
    (score,) = certificate_attacks(checked())
    assert score.interval.value == 0.0
    assert score.role == "sanity"
    assert _badge(score) == "supported"


def test_radii_that_are_too_large_fall() -> None:
    (score,) = certificate_attacks(checked(lambda radii: 20 * radii))
    assert score.interval.value > 0
    assert _badge(score) == "failed"


def test_nothing_certified_is_nothing_measured() -> None:
    (score,) = certificate_attacks(checked(lambda radii: 0 * radii))
    assert score.badge == "not_measured"
