"""The command line `trail`."""

import typer

from audit_trail.cli.failures import failures
from audit_trail.cli.history import history
from audit_trail.cli.redrive import redrive
from audit_trail.cli.report import report

app = typer.Typer(name="trail", no_args_is_help=True, pretty_exceptions_show_locals=False)
# A key may begin with -, which is no option then; `key.parse` refuses what begins with --.
app.command(context_settings={"ignore_unknown_options": True})(history)
app.command(context_settings={"ignore_unknown_options": True})(report)
app.command()(failures)
app.command()(redrive)


@app.callback()
def trail() -> None:
    """Read the history of a DynamoDB table from its audit table, and put back what could not be stored."""


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
