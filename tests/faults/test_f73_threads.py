"""F73: calls from several threads take turns, and each gives what it gives alone."""

import inspect
import threading
from pathlib import Path

import pytest
import torch
from tests.contracts.agents import N_STEPS, TRACK
from tests.contracts.digests import digest

import pellucid as pl
from pellucid.api.turns import taking_turns
from pellucid.budget import Cost
from pellucid.workers import one_thread

METHODS = ("shapley", "why-not", "shapley", "viper-tree")
TURNS = ("collect", "explain", "explain_all", "evaluate")


class Watched(torch.nn.Module):
    """A network that notices if two threads are in it, or how many threads torch may use."""

    def __init__(self) -> None:
        super().__init__()
        self.net = torch.nn.Sequential(
            torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)
        )
        self.inside = 0
        self.most_inside = 0
        self.torch_threads: set[int] = set()

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.torch_threads.add(torch.get_num_threads())
        result = self.net(observations.float())
        self.inside -= 1
        return result


def in_threads(work, arguments) -> list:
    found = [None] * len(arguments)

    def run(position: int) -> None:
        found[position] = work(arguments[position])

    threads = [threading.Thread(target=run, args=(p,)) for p in range(len(arguments))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_f73_two_threads_explain_one_agent_as_one_thread_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Watched()
    env = pl.resolve_env(TRACK, max_steps=N_STEPS)
    agent = pl.load_agent(network, env=env)

    def explain(numbered: tuple[int, str]) -> str:
        number, method = numbered
        folder = tmp_path / str(number)
        folder.mkdir(exist_ok=True)
        episodes = pl.collect(agent, env, n_episodes=6, seed=0)
        result = pl.explain(agent, episodes, method=method, seed=0, budget=Cost(50_000, 6_000))
        assert result.content is not None, result.reason
        return digest(result, folder)

    numbered = list(enumerate(METHODS))
    alone = [explain(one) for one in numbered]
    assert in_threads(explain, numbered) == alone
    assert network.most_inside == 1


def test_f73_torchs_threads_are_given_back_whoever_ends_first() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        first_is_in, second_may = threading.Event(), threading.Event()
        seen = []

        @taking_turns
        def work(first: bool) -> None:
            with one_thread():
                if first:
                    first_is_in.set()
                    assert not second_may.wait(0.2)  # the other one waits for its turn
                seen.append(torch.get_num_threads())
                if not first:
                    second_may.set()

        def second(_: bool) -> None:
            first_is_in.wait(5)
            work(False)

        in_threads(lambda first: work(True) if first else second(False), [True, False])
        assert seen == [1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_f73_one_thread_may_call_what_calls_it_and_an_error_gives_the_turn_on() -> None:
    @taking_turns
    def fail() -> None:
        raise ValueError("mine")

    @taking_turns
    def outer() -> str:
        with pytest.raises(ValueError, match="mine"):
            fail()
        return "done"

    assert in_threads(lambda _: outer(), [0, 1]) == ["done", "done"]


@pytest.mark.parametrize("name", TURNS)
def test_f73_it_is_documented(name: str) -> None:
    function = getattr(pl, name)
    assert "several threads take turns" in inspect.getdoc(function)
    assert hasattr(function, "__wrapped__")
