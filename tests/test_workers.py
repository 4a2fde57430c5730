"""Worker processes: each item is lost alone, and no process outlives its pool."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from pellucid import workers
from pellucid.errors import InputError
from pellucid.workers import THREAD_VARIABLES, Ended, Pool, UnusableWorkersError, can_be_sent

SOURCE = Path(workers.__file__).parent
SEEN_HERE: list[str] = []


class OddError(Exception):
    """Cannot be put together again from its arguments."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__(f"{name} {number}")
        self.lock = threading.Lock()


def double(item: int) -> int:
    return 2 * item


def process_id(item: int) -> int:
    return os.getpid()


def fail(kind: str) -> None:
    if kind == "odd":
        raise OddError("seven", 7)
    if kind == "ours":
        raise InputError("no such thing", hint="name another")
    raise SystemExit(3)


def misbehave(mark: Path, item: tuple[str, int]) -> int:
    """Do as the item says, and leave a line for each try."""
    what, number = item
    with mark.open("a") as file:
        file.write(f"{number} {os.getpid()}\n")
    first = mark.read_text().count(f"{number} ") == 1
    if what == "kill" or (what == "kill once" and first):
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "hang" or (what == "hang once" and first):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # nor does asking help
        time.sleep(600)
    return 10 * number


def surroundings(item: int) -> dict[str, Any]:
    return {
        "threads": {name: os.environ.get(name) for name in THREAD_VARIABLES},
        "torch": torch.get_num_threads(),
        "here": list(SEEN_HERE),
        "stdout": os.fstat(1).st_ino == os.fstat(2).st_ino,
    }


def overwrite(weights: torch.Tensor, item: float) -> torch.Tensor:
    return weights.fill_(item)


def refuse_to_load() -> None:
    raise ImportError("not here")


class OnlyHere:
    """Can be taken apart and not put together."""

    def __reduce__(self) -> Any:
        return refuse_to_load, ()

    def __call__(self, item: int) -> int:
        return item


def run(pool: Pool, task: Any, items: list[Any], **options: Any) -> list[Ended]:
    return sorted(pool.run(task, items, **options), key=lambda ended: ended.index)


@pytest.fixture(scope="module")
def pool():
    made = Pool(2)
    yield made
    made.close()
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_every_item_ends_once_whatever_it_returns(pool: Pool) -> None:
    assert run(pool, double, [1, 2, 3]) == [Ended(0, 2), Ended(1, 4), Ended(2, 6)]
    assert run(pool, double, []) == []
    assert run(pool, len, [b"x" * 10**6]) == [Ended(0, 10**6)]  # more than a pipe holds


@pytest.mark.slow
def test_f67_an_error_comes_back_as_it_is_or_in_words(pool: Pool) -> None:
    odd, ours, left = [e.error for e in run(pool, fail, ["odd", "ours", "exit"])]
    assert str(odd) == "OddError: seven 7"
    assert isinstance(ours, InputError)
    assert ours.hint == "name another"
    assert isinstance(left, SystemExit)
    assert "in fail" in odd.__notes__[0]  # where it happened
    assert [e.value for e in run(pool, double, [4])] == [8]


@pytest.mark.slow
@pytest.mark.faults
def test_f67_an_item_whose_process_is_killed_is_lost_alone_after_two_tries(
    pool: Pool, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    items = [("fine", 0), ("kill", 1), ("fine", 2), ("kill once", 3), ("fine", 4)]
    ended = run(pool, partial(misbehave, mark), items)
    assert [e.value for e in ended] == [0, None, 20, 30, 40]
    assert [e.lost for e in ended] == ["", "its process ended (SIGKILL)", "", "", ""]
    tries = [line.split()[0] for line in mark.read_text().splitlines()]
    assert {number: tries.count(number) for number in "01234"} == {
        "0": 1,
        "1": 2,
        "2": 1,
        "3": 2,
        "4": 1,
    }


@pytest.mark.slow
@pytest.mark.faults
def test_f67_an_item_that_hangs_is_lost_alone_after_two_tries(pool: Pool, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    items = [("hang", 0), ("fine", 1), ("hang once", 2), ("fine", 3)]
    started = time.monotonic()
    ended = run(pool, partial(misbehave, mark), items, seconds=1.0)
    assert [e.value for e in ended] == [None, 10, 20, 30]
    assert ended[0].lost == "it did not answer within 1 s"
    assert time.monotonic() - started < 60
    hung = {int(line.split()[1]) for line in mark.read_text().splitlines() if line[0] == "0"}
    assert len(hung) == 2
    for pid in hung:  # not even as a zombie
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.slow
@pytest.mark.faults
def test_f68_processes_are_spawned_after_threads_were_started(pool: Pool) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        torch.mm(torch.ones(300, 300), torch.ones(300, 300)).sum().item()  # starts torch's threads
        SEEN_HERE.append("here")  # a fork would have it too
        (found,) = run(pool, surroundings, [0])
    finally:
        torch.set_num_threads(before)
        SEEN_HERE.clear()
    assert found.value["here"] == []
    assert found.value["torch"] == 1
    assert set(found.value["threads"].values()) == {"1"}
    assert found.value["stdout"]  # what the work prints is not data


def test_f68_nothing_in_the_package_forks() -> None:
    forking = ("os.fork", 'get_context("fork', "ProcessPoolExecutor", "multiprocessing.Pool")
    texts = {path: path.read_text() for path in SOURCE.rglob("*.py")}
    assert [(p.name, word) for p, text in texts.items() for word in forking if word in text] == []
    users = [p.name for p, text in texts.items() if "import multiprocessing" in text]
    assert users == ["workers.py"]


@pytest.mark.slow
@pytest.mark.faults
def test_f67_processes_that_were_killed_between_two_runs_are_replaced(pool: Pool) -> None:
    pids = {e.value for e in run(pool, process_id, [0, 1, 2, 3])}
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert [e.value for e in run(pool, double, [1, 2])] == [2, 4]


@pytest.mark.slow
def test_tensors_are_sent_as_copies_to_every_process(pool: Pool) -> None:
    weights = torch.arange(3.0)
    ended = run(pool, partial(overwrite, weights), [1.0, 2.0, 3.0, 4.0])
    # each process has a copy of its own, and ours is as it was
    assert {tuple(e.value.tolist()) for e in ended} <= {(n, n, n) for n in (1.0, 2.0, 3.0, 4.0)}
    assert weights.tolist() == [0.0, 1.0, 2.0]


@pytest.mark.slow
def test_what_no_process_can_load_is_said_and_leaves_none_behind() -> None:
    before = set(multiprocessing.active_children())
    with pytest.raises(UnusableWorkersError, match="ImportError: not here"):
        list(Pool(2).run(OnlyHere(), [1, 2]))
    assert set(multiprocessing.active_children()) <= before


@pytest.mark.slow
def test_leaving_early_ends_the_processes_at_work() -> None:
    before = set(multiprocessing.active_children())
    ended = Pool(2).run(time.sleep, [0, 600, 600])
    assert next(ended).index == 0
    started = time.monotonic()
    ended.close()
    assert time.monotonic() - started < 30
    assert set(multiprocessing.active_children()) <= before


def test_the_environment_of_this_process_is_left_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    with workers.one_thread_environment():
        assert os.environ["OMP_NUM_THREADS"] == "1"
        assert os.environ["MKL_NUM_THREADS"] == "3"  # chosen by the user
    assert "OMP_NUM_THREADS" not in os.environ


def test_what_cannot_be_sent_says_why() -> None:
    assert can_be_sent(double) == ""
    assert "lambda" in can_be_sent(lambda item: item)


@pytest.mark.slow
@pytest.mark.faults
def test_f67_workers_end_when_the_process_that_started_them_is_killed(tmp_path: Path) -> None:
    script = (
        "import os, time\n"
        "from pellucid.workers import Pool\n"
        "if __name__ == '__main__':\n"
        "    for ended in Pool(2).run(eval, ['__import__(\"os\").getpid()'] * 2"
        " + ['__import__(\"time\").sleep(600)'] * 2):\n"
        "        print(ended.value, flush=True)\n"
    )
    (tmp_path / "main.py").write_text(script)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "main.py")], stdout=subprocess.PIPE, text=True
    )
    pids = {int(process.stdout.readline()) for _ in range(2)}
    process.kill()
    process.communicate(timeout=30)
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() and _state(pid) != "Z" for pid in pids):
        assert time.monotonic() < deadline, "a worker outlived the process that started it"
        time.sleep(0.05)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "gone"
