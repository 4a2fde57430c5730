"""F69: Ray is absent, too old, gone or different; and the same records where it works."""

import importlib
import importlib.util
import logging
import socket
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pellucid.claims import ray_engine
from pellucid.claims.cells import Cell, Measured
from pellucid.claims.engine_choice import choose_engine
from pellucid.claims.engines import EngineError, LocalWorkers, WithFallback
from pellucid.claims.harness import current_code
from pellucid.claims.known_effects import LARGE, run
from pellucid.claims.ray_engine import RayTasks, load_ray, run_there
from pellucid.io.records import read_records
from pellucid.provenance import versions
from tests.claims.toy import Toy, document

CELLS = [Cell(LARGE.id, arm, "cpu", seed) for seed in (100, 101) for arm in LARGE.arms]
EXPECTED = [run(cell.arm, cell.scale, cell.seed) for cell in CELLS]


class CrashError(Exception):
    """Stands for what Ray raises when a task's process died."""


class GoneError(Exception):
    """Stands for what Ray raises when the cluster has gone."""


class FakeRay(types.ModuleType):
    """As much of Ray as the engine uses; tasks run when they are asked for."""

    def __init__(self) -> None:
        super().__init__("ray")
        self.started: list[dict[str, Any]] = []
        self.n_shut_down = 0
        self.faults: dict[int, Any] = {}  # by how many tasks were submitted before
        self.submitted: list[Callable[[], Any]] = []
        self.cancelled: list[int] = []
        self.node = "127.0.0.1"
        self.exceptions = types.SimpleNamespace(
            WorkerCrashedError=CrashError, OutOfMemoryError=CrashError
        )
        self.util = types.SimpleNamespace(get_node_ip_address=lambda: self.node)

    def is_initialized(self) -> bool:
        return False

    def init(self, **options: Any) -> None:
        print("noise on stdout")
        self.started.append(options)

    def shutdown(self) -> None:
        self.n_shut_down += 1

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0}

    def remote(self, **options: Any) -> Any:
        assert options["max_retries"] == 0  # the engine counts

        def submit(function: Any) -> Any:
            def later(*arguments: Any) -> int:
                self.submitted.append(lambda: function(*arguments))
                return len(self.submitted) - 1

            return types.SimpleNamespace(remote=later)

        return submit

    def wait(self, references: list[int], timeout: float) -> tuple[list[int], list[int]]:
        ready = [r for r in references if self.faults.get(r) != "hang"][-1:]  # the last first
        return ready, [r for r in references if r not in ready]

    def get(self, reference: int) -> Any:
        fault = self.faults.get(reference)
        if isinstance(fault, Exception):
            raise fault
        return self.submitted[reference]()

    def cancel(self, reference: int, *, force: bool) -> None:
        assert force
        self.cancelled.append(reference)

    def get_runtime_context(self) -> Any:
        return types.SimpleNamespace(gcs_address="auto")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    made = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", made)
    monkeypatch.setattr(ray_engine, "package_version", lambda name: "2.54.0")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    for name in ("RAY_USAGE_STATS_ENABLED", ray_engine._LOCAL_ONLY):
        monkeypatch.setenv(name, "0")
    return made


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def refuse(name: str, *rest: Any) -> Any:
        if name == "ray":
            raise ModuleNotFoundError("No module named 'ray'", name="ray")
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", refuse)


def free_port() -> int:
    # bound and closed without a connection, so that nothing listens there
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_tasks_give_the_same_numbers_and_keep_stdout_clean(
    fake: FakeRay, capsys: pytest.CaptureFixture[str]
) -> None:
    found = dict(RayTasks(2).run(CELLS))
    assert [found[position].value for position in range(len(CELLS))] == EXPECTED
    assert capsys.readouterr().out == ""
    (options,) = fake.started
    assert (options["address"], options["include_dashboard"]) == ("local", False)
    assert set(options["runtime_env"]["env_vars"].values()) == {"1"}
    assert fake.n_shut_down == 1
    assert list(RayTasks(2).run([])) == []
    assert len(fake.started) == 1  # nothing to do starts nothing


def test_ray_that_would_listen_to_others_is_ended(fake: FakeRay) -> None:
    fake.node = "192.0.2.2"
    with pytest.raises(EngineError, match=r"listens on 192\.0\.2\.2 and not on the loopback"):
        list(RayTasks(2).run(CELLS))
    assert fake.submitted == []
    assert fake.n_shut_down == 1


def test_f67_a_task_that_dies_is_tried_once_more(fake: FakeRay) -> None:
    fake.faults = {0: CrashError("killed\nby the system"), 2: CrashError("killed again")}
    found = dict(RayTasks(2).run(CELLS[:2]))
    assert found[0].reason == "lost twice: its process ended (CrashError: killed again)"
    assert found[1].value == EXPECTED[1]
    fake.faults, fake.submitted = {0: CrashError("killed")}, []
    assert dict(RayTasks(2).run(CELLS[:1]))[0].value == EXPECTED[0]


def test_f67_a_task_that_hangs_is_stopped_and_tried_once_more(fake: FakeRay) -> None:
    fake.faults = {0: "hang", 1: "hang"}
    found = dict(RayTasks(2, seconds=1e-9).run(CELLS[:1]))
    assert found[0].reason == "lost twice: it did not answer within 1e-09 s"
    assert fake.cancelled == [0, 1]


def test_f69_absent_is_an_error_that_says_how_to_get_it(absent: None) -> None:
    with pytest.raises(EngineError, match="ray is needed and cannot be imported") as caught:
        choose_engine("ray", jobs=1, seconds=None)
    assert "pip install 'pellucid[ray]'" in str(caught.value.hint)
    assert "--engine local" in str(caught.value.hint)


def test_f69_too_old_is_an_error(fake: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_engine, "package_version", lambda name: "2.9.3")
    with pytest.raises(EngineError, match=r"expected Ray 2\.54 or newer, got 2\.9\.3"):
        load_ray()


def test_f69_auto_is_local_unless_the_environment_names_a_cluster(
    fake: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(choose_engine("auto", jobs=3, seconds=1.0), LocalWorkers)
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    engine = choose_engine("auto", jobs=3, seconds=1.0)
    assert isinstance(engine, WithFallback)
    assert isinstance(engine.first, RayTasks)
    assert isinstance(choose_engine("local", jobs=3, seconds=1.0), LocalWorkers)


@pytest.mark.parametrize("version", ["absent", "2.9.3"])
def test_f69_auto_falls_back_and_says_so(
    version: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    request.getfixturevalue("absent" if version == "absent" else "fake")
    monkeypatch.setattr(ray_engine, "package_version", lambda name: version)
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    with caplog.at_level(logging.WARNING):
        assert isinstance(choose_engine("auto", jobs=3, seconds=1.0), LocalWorkers)
    assert "RAY_ADDRESS names a Ray cluster, but" in caplog.text
    assert "running on this machine" in caplog.text


@pytest.mark.enable_socket
def test_f69_a_cluster_that_does_not_answer_is_named_at_once(
    fake: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(EngineError, match=f"no Ray cluster answers at {address}"):
        list(RayTasks(2).run(CELLS))
    assert fake.started == []


@pytest.mark.parametrize("error", [GoneError("the head has died"), ImportError("no pellucid")])
def test_f69_a_cluster_that_goes_away_is_an_error_or_the_rest_is_done_here(
    fake: FakeRay, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    fake.faults = {3: error}
    with pytest.raises(
        EngineError, match=f"Ray cannot run a cell: {type(error).__name__}: {error}"
    ):
        list(RayTasks(2).run(CELLS))
    assert fake.n_shut_down == 1
    fake.faults, fake.submitted = {3: error}, []
    engine = WithFallback(RayTasks(2), lambda: ray_free(CELLS))
    with caplog.at_level(logging.WARNING):
        found = dict(engine.run(CELLS))
    assert [found[position].value for position in range(len(CELLS))] == EXPECTED
    assert "the rest runs on this machine" in caplog.text


def ray_free(cells: list[Cell]) -> Any:
    from pellucid.claims.engines import ThisProcess

    return ThisProcess({})


def test_a_cluster_with_other_code_or_packages_is_refused(
    fake: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = current_code(LARGE.id)
    assert run_there(CELLS[0], code, versions()).value == EXPECTED[0]
    assert "the code of known-effects.large there" in run_there(CELLS[0], "0", versions()).reason
    other = run_there(CELLS[0], code, {**versions(), "numpy": "1.0"})
    assert f"numpy is {versions()['numpy']} there and 1.0 here" in other.reason
    monkeypatch.setattr(ray_engine, "run_cell", lambda cell: other)
    with pytest.raises(EngineError, match=r"cannot run known-effects\.large: numpy is"):
        list(RayTasks(1).run(CELLS))


def test_what_a_claim_refuses_is_not_taken_for_the_clusters_fault(
    fake: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = Measured(float("nan"), 0.0, "nosuch is needed", refused=True)
    monkeypatch.setattr(ray_engine, "run_cell", lambda cell: refused)
    assert dict(RayTasks(1).run(CELLS[:1])) == {0: refused}


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
def test_f69_real_tasks_give_the_same_records_and_survive_a_kill(toy: Toy) -> None:
    toy.tell("high-3", "kill once")
    for engine in ("ray", "local"):
        process = toy.start("toy", "--jobs", "2", "--engine", engine, "--out", engine, "--json")
        out, err = process.communicate(timeout=110)
        assert process.returncode == 0, err
        assert [c["verdict"] for c in document(out)["claims"]] == ["reproduced", "reproduced"]
    for path in (toy.folder / "local").iterdir():
        local, other = (
            [{k: v for k, v in r.items() if k != "seconds"} for r in read_records(p)]
            for p in (path, toy.folder / "ray" / path.name)
        )
        assert local == other
    assert toy.still_alive() == set()


def test_the_package_imports_no_ray_by_itself() -> None:
    users = [
        path.name
        for path in Path(ray_engine.__file__).parents[1].rglob("*.py")
        if '"ray"' in path.read_text() and "optional_import" in path.read_text()
    ]
    assert users == ["ray_engine.py"]
