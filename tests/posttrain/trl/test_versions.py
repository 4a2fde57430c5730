"""A TRL, a vLLM or a hook that was not tested is one line, before anything is trained."""

from typing import Any

import pytest

from pellucid.errors import CapabilityError
from pellucid.posttrain.trl import versions


@pytest.mark.parametrize("found", ["1.15.2", "1.17.0", "2.0.0", "0.24.0"])
def test_other_releases_of_trl_are_refused(found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "installed_version", lambda package: found)
    with pytest.raises(CapabilityError, match=r"was tested with 1\.16") as error:
        versions.check_trl()
    assert "\n" not in str(error.value)
    assert found in str(error.value)


def test_patches_of_a_tested_release_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "installed_version", lambda package: "1.16.3")
    versions.check_trl()


def test_a_missing_trl_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "installed_version", lambda package: None)
    with pytest.raises(CapabilityError) as error:
        versions.check_trl()
    assert error.value.hint == "pip install 'pellucid[llm]'"


@pytest.mark.parametrize(
    ("found", "taken"),
    [("0.21.9", False), ("0.22.0", True), ("0.31.1", True), ("0.33.0", False), (None, False)],
)
def test_vllm_is_taken_in_the_range_that_trl_declares(
    found: str | None, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "installed_version", lambda package: found)
    if taken:
        versions.check_vllm()
        return
    with pytest.raises(CapabilityError, match="vllm") as error:
        versions.check_vllm()
    assert "vllm>=0.22,<0.32" in str(error.value.hint)


class Renamed:
    """A trainer whose hook has another parameter, and one is gone."""

    def _calculate_rewards(
        self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any
    ) -> None: ...

    def _generate_and_score_completions(self, batch: Any) -> None: ...


def test_a_hook_with_other_parameters_is_refused() -> None:
    with pytest.raises(CapabilityError, match=r"Renamed\._generate_and_score_completions"):
        versions.check_hooks(Renamed)
    with pytest.raises(CapabilityError, match="no such parameters"):
        versions.check_hooks(object)


def test_outputs_without_a_key_or_with_other_rows_are_refused() -> None:
    output = {key: [0, 0] for key in versions.OUTPUT_KEYS}
    versions.check_output(output, 2)
    with pytest.raises(CapabilityError, match="one completion for each of 8 prompts, got 2"):
        versions.check_output(output, 8)
    del output["num_items_in_batch"]
    with pytest.raises(CapabilityError, match="num_items_in_batch"):
        versions.check_output(output, 2)


def test_the_installed_trl_has_the_hooks() -> None:
    trainer = pytest.importorskip("trl").GRPOTrainer
    versions.check_trl()
    versions.check_hooks(trainer)
