"""A generation server that is absent, dies or never answers must end the run, not hang it.

TRL waits for its vLLM server with requests that have no time limit of their own: one that accepts a
connection and stays silent would hang the run for ever.
"""

import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlparse

from pellucid.errors import InputError

_PAUSE = 0.5  # seconds between two tries
_LONGEST_TRY = 10.0  # seconds; a server that is loading a model answers /health late


def check_generation_server(url: str, *, timeout: float) -> None:
    """Wait until a `vllm serve` answers that it is well.

    Args:
        url: Its address, such as http://127.0.0.1:8000.
        timeout: Seconds to wait in all.

    Raises:
        InputError: The address is none of HTTP.
        ConnectionError: It did not answer in time; the message ends with what came instead.
    """
    if urlparse(url).scheme not in ("http", "https") or not urlparse(url).netloc:
        raise InputError(f"expected an address such as http://127.0.0.1:8000, got {url!r}")
    started, last = time.monotonic(), "no answer"
    while True:
        left = timeout - (time.monotonic() - started)
        if left <= 0:
            raise ConnectionError(
                f"the generation server at {url} did not become ready in {timeout:g} s: {last}"
            )
        try:
            with urllib.request.urlopen(  # noqa: S310  (the scheme is checked above)
                f"{url.rstrip('/')}/health", timeout=min(left, _LONGEST_TRY)
            ):
                return
        except urllib.error.HTTPError as error:
            last = f"HTTP {error.code}: {error.read(500).decode(errors='replace')}"
        except (OSError, ValueError) as error:
            last = str(error) or type(error).__name__
        time.sleep(min(_PAUSE, max(0.0, timeout - (time.monotonic() - started))))


def limit_waiting(trainer: Any, timeout: float) -> bool:
    """Give every request of TRL's client of the server a time limit.

    Args:
        trainer: A constructed trainer.
        timeout: Seconds that the server may be silent; a batch of completions is one request.

    Returns:
        Whether the trainer has such a client.
    """
    session = getattr(
        getattr(getattr(trainer, "vllm_generation", None), "vllm_client", None), "session", None
    )
    if session is None:
        return False
    for adapter in {id(found): found for found in session.adapters.values()}.values():
        _limit(adapter, timeout)
    return True


def _limit(adapter: Any, timeout: float) -> None:
    send = adapter.send

    def send_in_time(request: Any, **given: Any) -> Any:
        if given.get("timeout") is None:
            given["timeout"] = timeout
        return send(request, **given)

    adapter.send = send_in_time
    # a silent server would otherwise be asked again, for as long each time
    adapter.max_retries = adapter.max_retries.new(total=0, read=0, connect=0, status=0)
