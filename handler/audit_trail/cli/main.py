"""The command line `trail`."""

import os
import signal
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from audit_trail.cli.archive import archive
from audit_trail.cli.as_of import as_of
from audit_trail.cli.baseline import baseline
from audit_trail.cli.diff import diff
from audit_trail.cli.doctor import doctor
from audit_trail.cli.failures import failures
from audit_trail.cli.history import history
from audit_trail.cli.redrive import redrive
from audit_trail.cli.report import report
from audit_trail.cli.restore import restore
from audit_trail.cli.search import search
from audit_trail.cli.show import show
from audit_trail.cli.tail import tail
from audit_trail.cli.verify import verify

_BY_SIGPIPE = 141  # what shells report of a command that SIGPIPE ended

app = typer.Typer(name="trail", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
# A key may begin with -, which is no option then; `key.parse` refuses what begins with --.
for _command in (history, show, diff, as_of, restore, report, verify):
    app.command(context_settings={"ignore_unknown_options": True})(_command)
for _command in (search, archive, tail, baseline, failures, redrive, doctor):
    app.command()(_command)


def _print_version(asked: bool) -> None:  # noqa: FBT001  Typer calls it
    if asked:
        typer.echo(f"trail {version('table-trail')}")
        raise typer.Exit


VersionOption = Annotated[
    bool, typer.Option("--version", help="Print the version, and end.", callback=_print_version, is_eager=True)
]


@app.callback()
def trail(*, _version: VersionOption = False) -> None:
    """Read the history of a DynamoDB table from its audit table, and put back items, and what could not be stored."""


def main() -> None:
    """Run the command line; when nobody reads its output any more, end as other tools do then: by SIGPIPE, quietly."""
    try:
        app()
    except SystemExit as end:
        # Typer and Rich each make an exit with 1 of it, which here means that nothing was found.
        if isinstance(end.__context__, BrokenPipeError):
            _end_by_sigpipe()
        raise


def _end_by_sigpipe() -> NoReturn:
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGPIPE)
    os._exit(_BY_SIGPIPE)  # where there is no such signal; nothing is left to flush to anybody


if __name__ == "__main__":
    main()
