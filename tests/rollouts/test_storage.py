from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

from pellucid.envs import EnvSpec, Names, resolve_env
from pellucid.errors import DataError
from pellucid.io.strict_json import dumps, loads
from pellucid.rollouts import Episode, Episodes, Failure, collect, load_episodes, save_episodes
from pellucid.rollouts.storage import ARRAYS_FILE, INDEX_FILE
from tests.rollouts.agents import NO_NAMES, FixedAgent, TableAgent, wide_meter
from tests.rollouts.hostile import Base, Pictures


def check_equal(first: Episodes, second: Episodes) -> None:
    assert first.spec == second.spec
    assert first.names == second.names
    assert (first.seed, first.policy, first.warnings) == (
        second.seed,
        second.policy,
        second.warnings,
    )
    for a, b in zip(first.attempted, second.attempted, strict=True):
        for one, other in [
            (a.observations, b.observations),
            (a.actions, b.actions),
            (a.rewards, b.rewards),
            *((a.terms[name], b.terms[name]) for name in a.terms),
        ]:
            assert (one.dtype, one.shape, one.tobytes()) == (
                other.dtype,
                other.shape,
                other.tobytes(),
            )
        assert list(a.terms) == list(b.terms)
        assert (a.index, a.seed, a.terminated, a.truncated, a.failure) == (
            b.index,
            b.seed,
            b.terminated,
            b.truncated,
            b.failure,
        )


SPACES = [
    Box(0, 255, (4, 5, 3), np.uint8),
    Box(-np.inf, np.inf, (3,), np.float64),
    Box(-1, 1, (2, 2), np.float32),
    Box(-1, 1, (0,), np.float32),
    Box(-5, 5, (2,), np.int16),
    Discrete(4, start=-2),
    MultiBinary(6),
    MultiDiscrete([2, 3, 4]),
]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_f28_every_kind_of_space_comes_back_bit_for_bit(space: Any, tmp_path: Path) -> None:
    agent = TableAgent(3, (0, 2, 1), start=5)
    episodes = collect(
        agent,
        resolve_env(lambda: Pictures(space)),
        n_episodes=3,
        seed=0,
        meter=wide_meter(),
        names=NO_NAMES,
    )
    assert not episodes.excluded
    assert set(np.concatenate([e.actions for e in episodes.used]).tolist()) <= {5, 6, 7}
    save_episodes(episodes, tmp_path)
    stored = load_episodes(tmp_path)
    assert stored.spec is None  # made by a factory
    check_equal(
        Episodes(episodes.attempted, None, NO_NAMES, 0, "greedy", episodes.warnings), stored
    )


@pytest.mark.parametrize(
    "space",
    [Box(-1, 1, (2,), np.float32), MultiBinary(3), MultiDiscrete([2, 3])],
    ids=str,
)
def test_f28_every_kind_of_action_comes_back(space: Any, tmp_path: Path) -> None:
    class Sampler:
        framework, name, capabilities = "test", "sampler", frozenset[str]()
        observation_space, action_space = None, space

        def act(self, observations: Any) -> Any:
            space.seed(len(observations))
            return np.array([space.sample() for _ in observations])

    spec = resolve_env(lambda: Pictures(Discrete(5, start=5), space))
    episodes = collect(Sampler(), spec, n_episodes=2, seed=0, meter=wide_meter(), names=NO_NAMES)
    assert not episodes.excluded
    save_episodes(episodes, tmp_path)
    assert load_episodes(tmp_path).attempted[1].actions.tobytes() == (
        episodes.attempted[1].actions.tobytes()
    )


def odd_episodes() -> Episodes:
    spec = EnvSpec("a:b", {"x": [1, None, "é"]}, ("c:d",), 7, "e:f")
    names = Names(("a</script>",), ("m",), ("go",), ("",), "coins", "file")
    steps = np.array([1.0, np.nan, -0.0])
    good = Episode(
        0,
        2**32 - 1,
        np.arange(8, dtype=np.float32).reshape(4, 2),
        np.array([1, 0, 1]),
        np.array([np.inf, -0.0, 5e-324]),
        True,
        True,
        {"b": steps, "a": steps},
    )
    failed = Episode(
        1,
        5,
        np.empty((0, 2), np.float32),
        np.empty(0, np.int64),
        np.empty(0),
        False,
        False,
        failure=Failure("environment", "no\u2028reset", -1),
    )
    partial = Episode(
        2, 6, np.ones((2, 2), np.float32), np.array([1]), np.ones(1), False, False, {"a": steps[:1]}
    )
    return Episodes((good, failed, partial), spec, names, 3, "sampled", ("careful",))


def test_everything_survives(tmp_path: Path) -> None:
    save_episodes(odd_episodes(), tmp_path)
    check_equal(odd_episodes(), load_episodes(tmp_path))


def test_equal_episodes_give_equal_bytes(tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        save_episodes(odd_episodes(), folder)
        contents.append([(folder / f).read_bytes() for f in (INDEX_FILE, ARRAYS_FILE)])
    assert contents[0] == contents[1]


def damaged(change: Any) -> Any:
    def apply(folder: Path) -> None:
        path = folder / INDEX_FILE
        index = loads(path.read_text())
        change(index)
        del index["sha256"]  # what is checked here is what the checksum would not let pass
        path.write_text(dumps(index))

    return apply


@pytest.mark.parametrize(
    "damage",
    [
        damaged(lambda i: i.update(schema="other")),
        damaged(lambda i: i.update(version="1")),
        damaged(lambda i: i.update(version=3)),
        damaged(lambda i: i.pop("names")),
        damaged(lambda i: i["episodes"].pop()),
        damaged(lambda i: i["episodes"][0].update(steps=-1)),
        damaged(lambda i: i["episodes"][0].update(steps=10**12)),
        damaged(lambda i: i["episodes"][0].update(observations=3)),
        damaged(lambda i: i["episodes"][0].update(terms=["zzz"])),
        damaged(lambda i: i["episodes"][0].update(terminated=1)),
        damaged(lambda i: i["episodes"].append(5)),
        damaged(lambda i: i.update(policy="free")),
        damaged(lambda i: i["spec"].update(wrappers="os:system")),
        damaged(lambda i: i["spec"].update(reward_terms=3)),
        damaged(lambda i: i["names"].update(inputs=[1])),
        lambda folder: (folder / INDEX_FILE).write_text("{"),
        lambda folder: (folder / INDEX_FILE).write_text("[]"),
        lambda folder: (folder / INDEX_FILE).unlink(),
        lambda folder: (folder / ARRAYS_FILE).unlink(),
        lambda folder: (folder / ARRAYS_FILE).write_bytes(b"x" * 100),
    ],
)
def test_f05_damaged_files_are_refused(damage: Any, tmp_path: Path) -> None:
    save_episodes(odd_episodes(), tmp_path)
    damage(tmp_path)
    with pytest.raises(DataError) as refused:
        load_episodes(tmp_path)
    assert "\n" not in str(refused.value)


def test_f11_a_newer_version_says_so(tmp_path: Path) -> None:
    save_episodes(odd_episodes(), tmp_path)
    damaged(lambda i: i.update(version=99, pellucid="9.1.0"))(tmp_path)
    with pytest.raises(DataError, match=r"was written by pellucid 9\.1\.0, needs >= 9\.1\.0"):
        load_episodes(tmp_path)


def test_loading_imports_nothing_that_the_file_names(tmp_path: Path) -> None:
    save_episodes(odd_episodes(), tmp_path)
    damaged(lambda i: i["spec"].update(id="antigravity:fly"))(tmp_path)
    import sys

    assert load_episodes(tmp_path).spec is not None
    assert "antigravity" not in sys.modules


def test_stored_episodes_can_be_branched(tmp_path: Path) -> None:
    from pellucid.rollouts import Branch, run_branches

    episodes = collect(
        FixedAgent(0), resolve_env(Base), n_episodes=2, seed=0, meter=wide_meter(), names=NO_NAMES
    )
    save_episodes(episodes, tmp_path)
    branches = [Branch(1, 4, np.array([1]), None)]
    first, second = (
        run_branches(FixedAgent(0), e, branches, meter=wide_meter())[0]
        for e in (episodes, load_episodes(tmp_path))
    )
    assert first.rewards.tobytes() == second.rewards.tobytes()
