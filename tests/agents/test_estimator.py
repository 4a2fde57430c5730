"""Estimators of scikit-learn as agents, and the skops files that they are read from."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from gymnasium.spaces import Box, Discrete, MultiBinary
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from pellucid.agents import load_agent, save_agent
from pellucid.cli.main import main
from pellucid.errors import AgentError, ArtifactError, CapabilityError, InputError
from pellucid.io.estimator_schema import check_trees
from tests.agents.models import TORQUES, StubEnv, random_observations

ROWS = random_observations(120)
LABELS = 1 + (ROWS[:, 0] > 0) + (ROWS[:, 1] > 0)  # actions 1, 2 and 3 of four; 0 never occurs
HERE = StubEnv(Discrete(4))


def dump(estimator: Any, folder: Path) -> Path:
    path = folder / "estimator.skops"
    skops.io.dump(estimator, path)
    return path


def test_probabilities_have_their_places_and_unseen_actions_none(tmp_path: Path) -> None:
    estimator = LogisticRegression().fit(ROWS, LABELS)
    agent: Any = load_agent(dump(estimator, tmp_path), env=HERE)
    told = agent.distribution(ROWS).probabilities
    np.testing.assert_array_equal(told[:, 0], 0.0)
    np.testing.assert_allclose(told[:, 1:], estimator.predict_proba(ROWS))
    np.testing.assert_array_equal(agent.act(ROWS), estimator.predict(ROWS))
    assert agent.capabilities == {"distribution", "sampling"}
    assert agent.framework == "scikit-learn LogisticRegression"


def test_actions_may_start_elsewhere() -> None:
    estimator = DecisionTreeClassifier().fit(ROWS, LABELS)
    agent: Any = load_agent(estimator, env=StubEnv(Discrete(3, start=1)))
    np.testing.assert_array_equal(agent.act(ROWS), LABELS)
    assert agent.distribution(ROWS).start == 1


def test_draws_follow_the_probabilities_and_only_their_generators() -> None:
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, LABELS)
    agent: Any = load_agent(estimator, env=HERE)
    row = np.repeat(ROWS[:1], 4000, axis=0)
    drawn = agent.sample(row, [np.random.default_rng(i) for i in range(4000)])
    shares = np.bincount(drawn, minlength=4) / 4000
    np.testing.assert_allclose(shares, agent.distribution(row[:1]).probabilities[0], atol=0.03)
    again = agent.sample(row[:7], [np.random.default_rng(i) for i in range(7)])
    np.testing.assert_array_equal(again, drawn[:7])


def test_a_classifier_without_probabilities_only_acts() -> None:
    estimator = RidgeClassifier().fit(ROWS, LABELS)
    agent: Any = load_agent(estimator, env=HERE)
    assert agent.capabilities == frozenset()
    np.testing.assert_array_equal(agent.act(ROWS), estimator.predict(ROWS))
    with pytest.raises(CapabilityError, match="has no distribution"):
        agent.distribution(ROWS)


def test_a_regressor_is_a_mean_action_within_its_range() -> None:
    targets = ROWS[:, :2] * 5.0
    estimator = LinearRegression().fit(ROWS, targets)
    agent = load_agent(estimator, env=StubEnv(TORQUES))
    np.testing.assert_allclose(
        agent.act(ROWS), np.clip(targets, TORQUES.low, TORQUES.high), atol=1e-4
    )


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(3, random_state=0),
        DecisionTreeClassifier(max_leaf_nodes=5),
        MLPClassifier((4,), max_iter=5, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
    ids=lambda e: type(e).__name__,
)
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_stored_agents_answer_alike_without_the_file(tmp_path: Path, estimator: Any) -> None:
    path = dump(estimator.fit(ROWS, LABELS), tmp_path)
    agent: Any = load_agent(path, env=HERE)
    save_agent(agent, tmp_path / "stored")
    path.unlink()
    again: Any = load_agent(tmp_path / "stored", env=HERE)
    np.testing.assert_array_equal(
        again.distribution(ROWS).probabilities, agent.distribution(ROWS).probabilities
    )
    assert (again.sha256, again.name) == (agent.sha256, agent.name)


def test_an_estimator_in_memory_is_stored_too(tmp_path: Path) -> None:
    estimator = ExtraTreesRegressor(3, random_state=0).fit(ROWS, ROWS[:, :2])
    agent = load_agent(estimator, env=StubEnv(TORQUES))
    save_agent(agent, tmp_path)
    again = load_agent(tmp_path, env=StubEnv(TORQUES))
    np.testing.assert_array_equal(again.act(ROWS), agent.act(ROWS))
    (tmp_path / "estimator.skops").write_bytes(dump(estimator, tmp_path).read_bytes())
    with pytest.raises(ArtifactError, match="not the file that its card names"):
        load_agent(tmp_path)


@pytest.mark.parametrize(
    ("estimator", "env", "message"),
    [
        (LogisticRegression(), HERE, "was not fitted"),
        (LogisticRegression().fit(ROWS[:, :2], LABELS), HERE, "fitted on 2 inputs"),
        (LogisticRegression().fit(ROWS, LABELS * 7), HERE, r"classes \[7, 14, 21\]"),
        (LogisticRegression().fit(ROWS, LABELS.astype(str)), HERE, "tells the classes"),
        (LogisticRegression().fit(ROWS, LABELS), StubEnv(TORQUES), "is a classifier"),
        (LinearRegression().fit(ROWS, LABELS), HERE, "is a regressor"),
        (LinearRegression().fit(ROWS, LABELS), StubEnv(TORQUES), "predicts 1 numbers"),
        (LogisticRegression().fit(ROWS, LABELS), StubEnv(MultiBinary(2)), "is a classifier"),
        (StandardScaler().fit(ROWS), HERE, "does not predict"),
    ],
)
def test_estimators_that_do_not_fit_are_refused(estimator: Any, env: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_agent(estimator, env=env)


def test_without_an_environment_there_are_no_spaces() -> None:
    with pytest.raises(InputError, match="needs an environment"):
        load_agent(LogisticRegression().fit(ROWS, LABELS))


def test_probabilities_that_do_not_add_up_are_the_agents_fault() -> None:
    estimator = LogisticRegression().fit(ROWS, LABELS)
    agent: Any = load_agent(estimator, env=HERE)
    estimator.predict_proba = lambda rows: np.full((len(rows), 3), 0.9)
    with pytest.raises(AgentError, match="do not add up"):
        agent.act(ROWS)


# --- files ---


@pytest.mark.parametrize(
    ("estimator", "named"),
    [
        (KNeighborsClassifier(), "KNeighborsClassifier"),
        (GradientBoostingClassifier(n_estimators=2), "GradientBoostingClassifier"),
        (make_pipeline(FunctionTransformer(np.abs), LogisticRegression()), "FunctionTransformer"),
    ],
    ids=lambda e: e if isinstance(e, str) else "",
)
def test_types_that_are_not_listed_are_refused(tmp_path: Path, estimator: Any, named: str) -> None:
    path = dump(estimator.fit(ROWS, LABELS), tmp_path)
    with pytest.raises(ArtifactError, match="is not read") as caught:
        load_agent(path, env=HERE)
    assert named in str(caught.value) or "numpy" in str(caught.value)
    assert "LogisticRegression" in str(caught.value.hint)


def rewritten(path: Path, change: Callable[[Any], None]) -> Path:
    """Change the schema of a skops file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members["schema.json"])
    change(schema)
    members["schema.json"] = json.dumps(schema).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    path.write_bytes(stream.getvalue())
    return path


@pytest.mark.parametrize("loader", ["ObjectNode", "FunctionNode", "TypeNode", "PartialNode", "X"])
def test_nothing_of_another_library_is_built(tmp_path: Path, loader: str) -> None:
    path = dump(LogisticRegression().fit(ROWS, LABELS), tmp_path)

    def change(schema: Any) -> None:
        part = {"__module__": "os", "__class__": "system", "__loader__": loader, "content": None}
        schema["content"]["content"]["penalty"] = part

    with pytest.raises(ArtifactError, match=r"holds a os\.system"):
        load_agent(rewritten(path, change), env=HERE)


def tree_with(path: Path, change: Callable[[Any], None]) -> Path:
    """Change the nodes of the tree in a skops file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, content in members.items():
        if name.endswith(".npy"):
            array = np.load(io.BytesIO(content))
            if array.dtype.names:
                change(array)
                stream = io.BytesIO()
                np.save(stream, array)
                members[name] = stream.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("field", "value"),
    [("feature", 3_000_000), ("left_child", 0), ("right_child", 9999), ("left_child", -7)],
)
def test_trees_that_lead_elsewhere_are_refused_before_they_are_asked(
    tmp_path: Path, field: str, value: int
) -> None:
    path = dump(DecisionTreeClassifier().fit(ROWS, LABELS), tmp_path)

    def change(nodes: Any) -> None:
        nodes[field][0] = value

    assert load_agent(tree_with(path, lambda nodes: None), env=HERE).act(ROWS).shape == (120,)
    with pytest.raises(ArtifactError, match="damaged tree"):
        load_agent(tree_with(path, change), env=HERE)


def test_more_nodes_than_are_stored_are_refused_before_they_are_read() -> None:
    class Tree:  # as earlier versions of scikit-learn restored one
        node_count, capacity = 1000, 3

    with pytest.raises(ArtifactError, match="damaged tree"):
        check_trees([Tree()], "here")


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + b"\0" * 18])
def test_files_that_are_no_estimators_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "estimator.skops"
    path.write_bytes(content)
    with pytest.raises(ArtifactError):
        load_agent(path, env=HERE)


def test_joblib_files_are_refused_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.joblib"
    path.write_bytes(b"\x80\x04N.")
    assert main(["explain", str(path), "--env", "CartPole-v1"]) == 2
    error = capsys.readouterr().err
    assert "never opened here" in error
    assert "Traceback" not in error


def test_images_are_laid_out_as_inputs() -> None:
    space = Box(0, 1, (2, 2), np.float32)
    rows = np.random.default_rng(0).random((30, 2, 2)).astype(np.float32)
    estimator = LogisticRegression().fit(rows.reshape(30, 4), rows[:, 0, 0] > 0.5)
    agent = load_agent(estimator, env=StubEnv(Discrete(2), space))
    np.testing.assert_array_equal(agent.act(rows), estimator.predict(rows.reshape(30, 4)))
