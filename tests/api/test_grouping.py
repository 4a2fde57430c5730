"""What `--groups` takes."""

import pytest

from pellucid.api.grouping import asked_groups
from pellucid.api.request import make_request
from pellucid.errors import InputError

ASKED = {
    "n_episodes": 5, "seed": 0, "budget": 10**6, "env_steps": 10**5, "policy": "greedy",
    "episode": None, "step": None, "names": None,
}  # fmt: skip


def test_a_grid_stays_text_and_a_file_becomes_lists_of_names(tmp_path):
    assert asked_groups(None) is None
    assert asked_groups("8x8") == "8x8"
    file = tmp_path / "groups.yaml"
    file.write_text("speed: [horizontal speed, vertical speed]\nlegs: [6, 7]\n")
    assert asked_groups(str(file)) == {
        "speed": ["horizontal speed", "vertical speed"],
        "legs": ["6", "7"],
    }


@pytest.mark.parametrize("content", ["- a\n", "a: b\n", "a: [[1]]\n", "", "a: {b: c}\n"])
def test_files_of_another_form_are_refused(tmp_path, content):
    file = tmp_path / "groups.yaml"
    file.write_text(content)
    with pytest.raises(InputError, match=r"groups\.yaml"):
        asked_groups(str(file))


def test_what_is_neither_grid_nor_file_is_refused():
    with pytest.raises(InputError, match="must be a grid such as 8x8, or a YAML file; there is no"):
        asked_groups("patches")


def test_groups_are_an_option_of_methods_that_explain_inputs():
    request = make_request(methods="shapley,why-not", groups="4x4", **ASKED)
    assert request.options == {"groups": "4x4"}
    with pytest.raises(InputError, match="--groups is for methods that explain inputs, and none"):
        make_request(methods="why-not", groups="4x4", **ASKED)
