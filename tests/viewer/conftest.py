"""A folder of runs and a server on it, for the viewer's tests."""

import http.client
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pellucid.viewer.server import ViewerServer, open_server
from pellucid.viewer.site import Site
from tests.viewer.folders import usual


@dataclass(frozen=True)
class Reply:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


Ask = Callable[..., Reply]


@pytest.fixture(scope="session")
def runs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that no test changes."""
    return usual(tmp_path_factory.mktemp("runs"))


@contextmanager
def serving(folder: Path) -> Iterator[ViewerServer]:
    """Serve a folder on a free port for the length of a block."""
    server = open_server(Site(folder), 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(server: ViewerServer, target: str, method: str = "GET", **headers: str) -> Reply:
    """Send one request as it is given; `Host` is the right one unless it is given."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in ({"Host": f"127.0.0.1:{server.server_port}"} | headers).items():
            if value:
                connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return Reply(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()
