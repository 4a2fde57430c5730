"""Serves a site to this machine's own browser, and to nobody else.

It listens on 127.0.0.1 alone. A page on the web can make a browser send requests there under a name
of its own (DNS rebinding), so that every request must name this address as its host. Only GET and
HEAD are answered, and an address is looked up among the pages, never used as a path.
"""

import html
import logging
import re
import urllib.parse
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pellucid.errors import InputError
from pellucid.viewer.rendering import render
from pellucid.viewer.site import HTML, Page, Site

logger = logging.getLogger(__name__)

ADDRESS = "127.0.0.1"
FIRST_PORT, PORTS_TRIED = 8710, 50
METHODS = ("GET", "HEAD")
MAX_TARGET = 2000
SECONDS_PER_REQUEST = 30
_POLICY = re.compile(rb'http-equiv="Content-Security-Policy" content="([^"]*)"')
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-DNS-Prefetch-Control": "off",
    "Cache-Control": "no-store",
}


class ViewerServer(ThreadingHTTPServer):
    """Listens on this machine.

    Args:
        site: What is served.
        port: 0 for one that is free.

    Raises:
        OSError: The port is in use.
    """

    daemon_threads = True

    def __init__(self, site: Site, port: int) -> None:
        self.site = site
        super().__init__((ADDRESS, port), _Handler)

    @property
    def url(self) -> str:
        """Where the list of runs is."""
        return f"http://{ADDRESS}:{self.server_port}/"

    @property
    def hosts(self) -> frozenset[str]:
        """The names under which it may be asked."""
        return frozenset(f"{name}:{self.server_port}" for name in (ADDRESS, "localhost"))

    def server_bind(self) -> None:
        """Bind without the base class's look-up of a host name, which may ask the network."""
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.socket.getsockname()[:2]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say in one line what went wrong with a request; the next one is served."""
        logger.info("a request failed", exc_info=True)


def open_server(site: Site, port: int = FIRST_PORT, *, tried: int = PORTS_TRIED) -> ViewerServer:
    """Return a server on the first port that is free.

    Args:
        site: What is served.
        port: The first one to try; 0 for any that is free.
        tried: How many are tried, one after the other.

    Raises:
        InputError: None of them is free.
    """
    for candidate in range(port, min(port + tried, 65536)) if port else (0,):
        try:
            return ViewerServer(site, candidate)
        except OSError as error:
            logger.info("port %d: %s", candidate, error.strerror)
    raise InputError(
        f"no port from {port} to {min(port + tried, 65536) - 1} is free",
        hint="choose another one with --port, or 0 for any that is free",
    )


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: ViewerServer
    server_version, sys_version = "pellucid", ""
    protocol_version = "HTTP/1.1"
    timeout = SECONDS_PER_REQUEST

    def parse_request(self) -> bool:
        """Read the request and refuse what is not for us, whatever its method."""
        if not super().parse_request():
            return False
        refused = self._refused()
        if refused is not None:
            self.request_version = self.protocol_version
            # what follows may be a body, which is not read
            self.close_connection = True
            self._send(*refused)
        return refused is None

    def do_GET(self) -> None:
        """Answer with the page at the address."""
        self._send(*self._answer())

    def do_HEAD(self) -> None:
        """Answer with the headers alone."""
        self.do_GET()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is none, without repeating any of it."""
        self.close_connection = True
        # else the base class answers without headers, as the oldest version asks for
        self.request_version = self.protocol_version
        self._send(HTTPStatus(code), _problem(HTTPStatus(code).phrase, "It was no valid request."))

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's
        """Stay silent."""

    # --- what is answered ---

    def _refused(self) -> tuple[HTTPStatus, Page] | None:
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or hosts[0].lower() not in self.server.hosts:
            return HTTPStatus.MISDIRECTED_REQUEST, _problem(
                "Not for this address", f"Open {self.server.url} instead."
            )
        if self.command not in METHODS:
            return HTTPStatus.METHOD_NOT_ALLOWED, _problem(
                "Only reading", "These pages can be read and nothing else."
            )
        if self.request_version == "HTTP/0.9":
            return HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, _problem("Too old", "Ask with HTTP/1.1.")
        if len(self.path) > MAX_TARGET or not self.path.startswith("/"):
            return HTTPStatus.BAD_REQUEST, _problem("No such address", "It names no page here.")
        return None

    def _answer(self) -> tuple[HTTPStatus, Page]:
        address = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        try:
            page = self.server.site.page(address.removeprefix("/"))
        except Exception as error:  # a run that changes while it is read may do anything once
            logger.warning("a page could not be made: %s: %s", type(error).__name__, error)
            return HTTPStatus.INTERNAL_SERVER_ERROR, _problem(
                "This page could not be made", f"{type(error).__name__}: {error}"[:500]
            )
        if page is None:
            return HTTPStatus.NOT_FOUND, _problem(
                "Nothing is here", "The run was removed, or nothing of this name was ever here."
            )
        return HTTPStatus.OK, page

    def _send(self, status: HTTPStatus, page: Page) -> None:
        self.send_response(status)
        self.send_header("Content-Type", page.media)
        self.send_header("Content-Length", str(len(page.content)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Security-Policy", f"{policy_of(page)}; frame-ancestors 'none'")
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", ", ".join(METHODS))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page.content)


def policy_of(page: Page) -> str:
    """Return the content policy that a page names itself; nothing may be loaded by any other."""
    found = _POLICY.search(page.content) if page.media == HTML else None
    return _NOTHING if found is None else html.unescape(found[1].decode("ascii"))


def _problem(heading: str, message: str) -> Page:
    return Page(render("missing.html.j2", up="/", heading=heading, message=message))


def serve(server: ViewerServer, *, ready: Callable[[str], None]) -> None:
    """Serve until the process is interrupted.

    Args:
        server: What `open_server` returned; closed at the end.
        ready: Called with the address once it answers.
    """
    with server:
        ready(server.url)
        server.serve_forever(poll_interval=0.2)
