"""Work in several processes: what is stopped, retried or done here instead."""

import logging
import multiprocessing
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from pellucid.errors import EnvError
from pellucid.rollouts.workers import kept_workers, one_thread, run_parts


def double(part: int) -> int:
    return 2 * part


def process_id(part: int) -> int:
    return os.getpid()


def die(part: int) -> int:
    os._exit(9)


class DieOnce:
    """Kills its process the first time that it is called at all."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __call__(self, part: int) -> int:
        if part == 2 and not self.mark.exists():
            self.mark.touch()
            os._exit(9)
        return 2 * part


class OnlyHere:
    """Can be taken apart, but not put together in another process."""

    def __reduce__(self) -> Any:
        return only_in, (os.getpid(),)

    def __call__(self, part: int) -> int:
        return 2 * part


def only_in(pid: int) -> OnlyHere:
    if os.getpid() != pid:
        raise ImportError("not here")
    return OnlyHere()


def test_one_process_needs_no_others() -> None:
    assert list(run_parts(lambda part: part + 1, [1, 2], 1)) == [2, 3]
    assert list(run_parts(double, [], 4)) == []


def test_what_cannot_be_sent_is_done_here(caplog: pytest.LogCaptureFixture) -> None:
    lock = threading.Lock()
    with caplog.at_level(logging.WARNING):
        assert list(run_parts(lambda part: (lock, part)[1], [1, 2, 3], 2)) == [1, 2, 3]
    assert "cannot be sent" in caplog.text


def test_one_thread_is_given_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_results_come_in_order() -> None:
    assert list(run_parts(double, list(range(7)), 2)) == [0, 2, 4, 6, 8, 10, 12]


@pytest.mark.slow
def test_workers_are_kept_between_calls_and_gone_after_the_block() -> None:
    with kept_workers():
        first = set(run_parts(process_id, [0, 1], 2))
        again = set(run_parts(process_id, [0, 1, 2], 2))
        assert len(first | again) <= 2
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_f67_a_worker_that_dies_is_replaced_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert list(run_parts(DieOnce(tmp_path / "mark"), [1, 2, 3], 2)) == [2, 4, 6]
    assert "work was lost and is done again: its process ended (exit code 9)" in caplog.text


@pytest.mark.slow
def test_f67_work_that_kills_its_process_twice_does_not_kill_ours() -> None:
    with pytest.raises(EnvError, match=r"lost twice: its process ended \(exit code 9\)"):
        list(run_parts(die, [1, 2], 2))


@pytest.mark.slow
def test_a_process_that_cannot_start_leaves_the_work_here(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        assert list(run_parts(OnlyHere(), [1, 2, 3], 2)) == [2, 4, 6]
    assert "__main__" in caplog.text


@pytest.mark.slow
def test_an_interrupt_stops_the_workers() -> None:
    parts = run_parts(double, list(range(50)), 2)
    assert next(parts) == 0
    with pytest.raises(KeyboardInterrupt):
        parts.throw(KeyboardInterrupt)
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_f43_a_network_gives_the_same_bytes_alone_in_company_and_in_other_processes() -> None:
    from pellucid.agents import load_agent
    from pellucid.envs import resolve_env
    from pellucid.rollouts import collect
    from tests.rollouts.agents import NO_NAMES, wide_meter

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 64), torch.nn.Tanh(), torch.nn.Linear(64, 2))
    agent = load_agent(net, env="CartPole-v1")
    spec = resolve_env("CartPole-v1")

    def run(n_episodes: int, jobs: int, policy: Any) -> list[bytes]:
        episodes = collect(
            agent,
            spec,
            n_episodes=n_episodes,
            seed=0,
            policy=policy,
            meter=wide_meter(),
            names=NO_NAMES,
            jobs=jobs,
        )
        assert not episodes.excluded
        return [e.observations.tobytes() + e.actions.tobytes() for e in episodes.attempted]

    for policy in ("greedy", "sampled"):
        alone = run(3, 1, policy)
        assert run(70, 1, policy)[:3] == alone
        assert run(9, 2, policy)[:3] == alone
