"""The `pellucid` command: it reads the command line and turns every outcome into an exit code.

Exit codes: 0 done, 1 a claim not reproduced, a re-check failed or `--fail-on` applies, 2 bad input,
130 interrupted.
Nothing heavy is imported here: `--help` must be immediate.
"""

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

import pellucid
from pellucid.api.stopping import Terminated
from pellucid.cli.bench import bench
from pellucid.cli.doctor import doctor
from pellucid.cli.errors import (
    INTERRUPTED,
    TERMINATED,
    USAGE_ERRORS,
    report_error,
    report_fault,
    report_pellucid_error,
    report_usage_error,
)
from pellucid.cli.evaluate import evaluate
from pellucid.cli.explain import explain
from pellucid.cli.horizon import horizon
from pellucid.cli.listing import list_items
from pellucid.cli.objective import check, diagram
from pellucid.cli.query import query
from pellucid.cli.reproduce import reproduce
from pellucid.cli.streams import abandon, prepare_streams, write_lines
from pellucid.cli.train import train
from pellucid.cli.view import view
from pellucid.errors import InputError, PellucidError

app = typer.Typer(
    name="pellucid",
    help="Explains reinforcement-learning agents, and measures how faithful each explanation is.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class _StoppedError(Exception):
    """Ctrl-C, in a form that typer does not turn into an exit code of its own."""


def _guarded(function: Callable[..., int]) -> Callable[..., int]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> int:
        try:
            return function(*args, **kwargs)
        except KeyboardInterrupt as error:
            raise _StoppedError from error
        except SystemExit as error:  # an agent's or environment's; it must not choose our exit code
            raise InputError(
                f"the code that was run ended the program: sys.exit({error.code!r})",
                hint="let it raise another error, which is counted and shown",
            ) from error

    return call


app.command("explain")(_guarded(explain))
app.command("query")(_guarded(query))
app.command("evaluate")(_guarded(evaluate))
app.command("train")(_guarded(train))
app.command("bench")(_guarded(bench))
app.command("reproduce")(_guarded(reproduce))
app.command("horizon")(_guarded(horizon))
app.command("view")(_guarded(view))
app.command("list")(_guarded(list_items))
app.command("doctor")(_guarded(doctor))

objective = typer.Typer(
    name="objective",
    help="What objective formalisms can express, for an order of yours and in general.",
    rich_markup_mode=None,
)
objective.command("check")(_guarded(check))
objective.command("diagram")(_guarded(diagram))
app.add_typer(objective)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Command line without the program's name; that of the process if not given.

    Returns:
        The exit code.
    """
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    as_json = "--json" in given
    prepare_streams()
    try:
        return _outcome(typer.main.get_command(app).main(given, "pellucid", standalone_mode=False))
    except USAGE_ERRORS as error:
        return report_usage_error(error, as_json=as_json)
    except PellucidError as error:
        return report_pellucid_error(error, as_json=as_json)
    except (_StoppedError, KeyboardInterrupt, typer.Abort):
        report_error("interrupted", "stopped", None, as_json=as_json)
        return INTERRUPTED
    except Terminated:
        report_error("terminated", "stopped by SIGTERM", None, as_json=as_json)
        return TERMINATED
    except BrokenPipeError:  # whoever read our stdout has gone (`| head`), which is no error
        abandon(sys.stdout)
        return 0
    except OSError as error:
        message = error.strerror or str(error)
        where = f": {error.filename}" if error.filename else ""
        return report_error("file", f"{message}{where}", None, as_json=as_json)
    except Exception as error:
        return report_fault(error, as_json=as_json)


def _outcome(result: object) -> int:
    return result if isinstance(result, int) else 0


def _version(wanted: bool) -> None:
    if wanted:
        write_lines(f"pellucid {pellucid.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Explains reinforcement-learning agents, and measures how faithful each explanation is."""
