"""The command in this process, with everything that it sets for its process put back."""

import json
import logging
import os
import signal
import sys
import warnings
from dataclasses import dataclass

import pytest

from pellucid.cli.main import main


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The one document on stdout, read strictly."""

        def refuse(name):
            raise AssertionError(f"{name} is not JSON")

        return json.loads(self.out, parse_constant=refuse)


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """Run `pellucid` with some arguments, in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = dict(os.environ)
    shown, handler = warnings.showwarning, signal.getsignal(signal.SIGTERM)
    logger = logging.getLogger("pellucid")
    handlers, propagate = list(logger.handlers), logger.propagate

    def run(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    yield run
    os.environ.clear()
    os.environ.update(before)
    warnings.showwarning = shown
    signal.signal(signal.SIGTERM, handler)
    logger.handlers, logger.propagate = handlers, propagate
