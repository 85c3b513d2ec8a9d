"""The command line `trail`."""

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

app = typer.Typer(name="trail", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
# A key may begin with -, which is no option then; `key.parse` refuses what begins with --.
for _command in (history, show, diff, as_of, restore, report, verify):
    app.command(context_settings={"ignore_unknown_options": True})(_command)
for _command in (search, archive, tail, baseline, failures, redrive, doctor):
    app.command()(_command)


@app.callback()
def trail() -> None:
    """Read the history of a DynamoDB table from its audit table, and put back items, and what could not be stored."""


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
