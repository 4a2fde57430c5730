"""F66: only this machine, under its own name, may read, and nothing but pages of runs."""

import os
import shutil
import socket
import threading
from pathlib import Path

import pytest

from pellucid.errors import InputError
from pellucid.io import strict_json
from pellucid.viewer.server import ADDRESS, HEADERS, open_server
from pellucid.viewer.site import Site
from tests.report import lunar
from tests.viewer.conftest import ask, serving
from tests.viewer.folders import agent_run

pytestmark = pytest.mark.enable_socket


def test_every_page_is_served_with_its_own_strict_policy(runs_folder: Path) -> None:
    addresses = list(Site(runs_folder, most_stored=2).addresses())
    assert len(addresses) > 15
    with serving(runs_folder) as server:
        for address in addresses:
            reply = ask(server, f"/{address}")
            assert reply.status == 200, address
            policy = reply.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'"), address
            assert policy.endswith("frame-ancestors 'none'"), address
            assert "unsafe" not in policy
            assert {k: reply.headers[k] for k in HEADERS} == HEADERS
            if address.endswith(".html"):
                assert policy.removesuffix("; frame-ancestors 'none'") in reply.text.replace(
                    "&#39;", "'"
                )


def test_the_report_is_served_as_it_is_stored(runs_folder: Path) -> None:
    with serving(runs_folder) as server:
        for run in ("lander-a", "sums"):
            for name in ("report.html", "report.json"):
                reply = ask(server, f"/runs/{run}/{name}")
                assert reply.body == (runs_folder / run / name).read_bytes()


def test_it_listens_on_this_machine_alone(runs_folder: Path) -> None:
    with serving(runs_folder) as server:
        assert server.socket.getsockname()[0] == ADDRESS == "127.0.0.1"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "[::1]:{port}"]
)
def test_a_request_under_another_name_is_refused(runs_folder: Path, host: str) -> None:
    with serving(runs_folder) as server:
        reply = ask(server, "/", Host=host.format(port=server.server_port))
        assert reply.status == 421
        assert b"lander" not in reply.body
        assert ask(server, "/", Host=f"localhost:{server.server_port}").status == 200


def test_two_hosts_are_refused(runs_folder: Path) -> None:
    with serving(runs_folder) as server:
        own = f"127.0.0.1:{server.server_port}"
        assert _raw(server, f"GET / HTTP/1.1\r\nHost: {own}\r\nHost: evil\r\n\r\n").startswith(
            b"HTTP/1.1 421"
        )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "WHAT"])
def test_every_other_method_is_refused(runs_folder: Path, method: str) -> None:
    with serving(runs_folder) as server:
        reply = ask(server, "/", method)
        assert reply.status == 405
        assert reply.headers["Allow"] == "GET, HEAD"
        assert reply.headers["Connection"] == "close"


def test_head_has_the_headers_of_get_and_no_body(runs_folder: Path) -> None:
    with serving(runs_folder) as server:
        got, head = ask(server, "/index.html"), ask(server, "/index.html", "HEAD")
        assert head.body == b""
        assert head.headers["Content-Length"] == str(len(got.body))


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.txt",
        "/runs/../../secret.txt",
        "/runs/lander-a/../../../secret.txt",
        "/runs/lander-a/%2e%2e/%2e%2e/%2e%2e/secret.txt",
        "/runs/lander-a/..%2f..%2fsecret.txt",
        "/runs/lander-a/..\\..\\secret.txt",
        "//etc/passwd",
        "/etc/passwd",
        "/runs/lander-a/run.json",
        "/runs/lander-a/episodes/episodes.json",
        "/runs/lander-a/",
        "/runs/",
        "/runs/..",
        "/runs/../index.html",
        "/runs/lander-a/report.html%00",
        "/runs/lander-a/stored-0.html",
        "/runs/lander-a/stored-99999.html",
        "/runs/lander-a/stored-" + "9" * 500 + ".html",
        "/runs/nobody/index.html",
        "/compare/lander-a/sums.html",
        "/compare/lander-a/nobody.html",
        "/favicon.ico",
    ],
)
def test_no_address_leads_out_of_the_pages(tmp_path: Path, runs_folder: Path, target: str) -> None:
    (runs_folder.parent / "secret.txt").write_text("secret")
    with serving(runs_folder) as server:
        reply = ask(server, target)
        assert reply.status == 404, target
        assert b"secret" not in reply.body


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET http://evil.example/ HTTP/1.1", 400),
        ("GET index.html HTTP/1.1", 400),
        ("GET /" + "x" * 3000 + " HTTP/1.1", 400),
        ("GET / HTTP/9.9", 505),
        ("GET", 400),
        ("GET /", 505),
        ("\x00\x01 <script> x", 400),
    ],
)
def test_what_is_no_request_is_refused_and_not_repeated(
    runs_folder: Path, line: str, status: int
) -> None:
    with serving(runs_folder) as server:
        own = f"127.0.0.1:{server.server_port}"
        reply = _raw(server, f"{line}\r\nHost: {own}\r\n\r\n")
        assert reply.startswith(f"HTTP/1.1 {status} ".encode())
        assert b"\r\nContent-Security-Policy: default-src 'none'" in reply
        assert b"evil" not in reply
        assert b"<script> x" not in reply
        assert ask(server, "/").status == 200, "the next request is served"


def test_links_lead_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    agent_run(secret / "run", lunar.lunar_record(with_frames=False))
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(secret / "run")
    plain = agent_run(root / "plain", lunar.lunar_record(with_frames=False))
    for name in ("report.html", "report.json"):
        (plain / name).unlink()
        (plain / name).symlink_to(secret / "run" / name)
    shutil.rmtree(plain / "episodes")
    (plain / "episodes").symlink_to(secret / "run" / "episodes")
    with serving(root) as server:
        assert "linked" not in ask(server, "/").text
        assert ask(server, "/runs/linked/report.html").status == 404
        for name in ("report.html", "report.json", "stored-1.html"):
            assert ask(server, f"/runs/plain/{name}").status == 404
        page = ask(server, "/runs/plain/index.html")
        assert page.status == 200
        assert "No episode is stored yet" in page.text


def test_a_port_in_use_makes_it_take_the_next_one(runs_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind((ADDRESS, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with open_server(Site(runs_folder), port) as server:
            assert port < server.server_port < port + 50
        with pytest.raises(InputError, match="no port from"):
            open_server(Site(runs_folder), port, tried=1)


def test_a_run_may_be_written_while_it_is_read(tmp_path: Path) -> None:
    source = agent_run(tmp_path / "source", lunar.lunar_record(with_frames=False))
    root = tmp_path / "runs"
    (root / "run" / "episodes").mkdir(parents=True)
    names = ["run.json", "report.json", "report.html"]
    names += [f"episodes/episodes.{end}" for end in ("json", "safetensors")]
    stop = threading.Event()

    def write() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            for name in names:
                target = root / "run" / name
                if turn % 3 == 0:
                    target.unlink(missing_ok=True)
                elif turn % 3 == 1:
                    # cut off in the middle, as no writer of ours leaves it
                    target.write_bytes((source / name).read_bytes()[: 50 * turn])
                else:
                    shutil.copy(source / name, target)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with serving(root) as server:
            for _ in range(25):
                for name in ("index", "report", "stored-1"):
                    assert ask(server, f"/runs/run/{name}.html").status in (200, 404)
                assert ask(server, "/").status == 200
    finally:
        stop.set()
        writer.join()


def test_what_was_written_since_is_seen(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    root.mkdir()
    with serving(root) as server:
        assert "There is no run" in ask(server, "/").text
        run = agent_run(root / "run", lunar.lunar_record(with_frames=False), state="started")
        assert "cut off" in ask(server, "/").text
        document = strict_json.read(run / "run.json")
        (run / "run.json").write_text(strict_json.dumps({**document, "state": "finished"}))
        os.utime(run / "run.json", ns=(1, 1))
        assert "cut off" not in ask(server, "/").text


def _raw(server, request: str) -> bytes:
    """Send bytes as they are, and return what comes until the server closes the connection."""
    with socket.create_connection((ADDRESS, server.server_port), timeout=10) as connection:
        connection.sendall(request.encode())
        received = b""
        while part := connection.recv(65536):
            received += part
        return received
