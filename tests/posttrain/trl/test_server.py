"""F56: a generation server that is absent, unwell, silent or dies ends the run in time."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from pellucid.errors import InputError
from pellucid.posttrain.trl.server import check_generation_server, limit_waiting

pytestmark = pytest.mark.enable_socket


class Handler(BaseHTTPRequestHandler):
    """Answers as its server says: with a status, or not at all."""

    def do_GET(self) -> None:
        self.server.asked += 1  # type: ignore[attr-defined]
        status: int | None = self.server.statuses.pop(0)  # type: ignore[attr-defined]
        if status is None:
            self.server.released.wait(10)  # type: ignore[attr-defined]
            return
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"the engine is still loading")

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *values: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Any]:
    made: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked, made.statuses, made.released = 0, [], threading.Event()
    made.url = f"http://127.0.0.1:{made.server_address[1]}"
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.released.set()
    made.shutdown()
    made.server_close()
    thread.join()


def test_a_server_that_becomes_ready_is_waited_for(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pellucid.posttrain.trl.server._PAUSE", 0.01)
    server.statuses = [503, 200]
    check_generation_server(server.url, timeout=5)
    assert server.asked == 2


def test_an_absent_server_is_an_error_within_the_time() -> None:
    started = time.monotonic()
    with pytest.raises(ConnectionError, match=r"did not become ready in 0\.3 s"):
        check_generation_server("http://127.0.0.1:9", timeout=0.3)
    assert time.monotonic() - started < 2


def test_a_silent_server_is_an_error_within_the_time(server: Any) -> None:
    server.statuses = [None] * 9
    started = time.monotonic()
    with pytest.raises(ConnectionError, match="timed out"):
        check_generation_server(server.url, timeout=0.3)
    assert time.monotonic() - started < 2


def test_the_servers_words_are_in_the_error(server: Any) -> None:
    server.statuses = [500] * 99
    with pytest.raises(ConnectionError, match="HTTP 500: the engine is still loading"):
        check_generation_server(server.url, timeout=0.3)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "file:///etc/passwd", "http://"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(InputError, match="expected an address"):
        check_generation_server(url, timeout=1)


def test_requests_of_trls_client_get_a_time_limit(server: Any) -> None:
    requests = pytest.importorskip("requests")
    session = requests.Session()
    trainer = SimpleNamespace(vllm_generation=SimpleNamespace(vllm_client=SimpleNamespace()))
    trainer.vllm_generation.vllm_client.session = session
    assert limit_waiting(trainer, 0.3)
    server.statuses = [None] * 9
    started = time.monotonic()
    with pytest.raises(requests.exceptions.RequestException, match="timed out"):
        session.post(f"{server.url}/v1/completions", json={})
    assert time.monotonic() - started < 2
    assert server.asked == 1
    server.shutdown()  # the server dies while it is used
    server.server_close()
    with pytest.raises(requests.exceptions.RequestException):
        session.post(f"{server.url}/v1/completions", json={})


def test_a_trainer_without_a_server_is_left_alone() -> None:
    assert not limit_waiting(SimpleNamespace(), 1.0)
