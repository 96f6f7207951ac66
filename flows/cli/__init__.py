"""The command line: `docmill COMMAND`, one module a command, loaded when it is asked for."""

import sys

from cyclopts import App, CycloptsError

from flows.cli.output import fail
from schemas.errors import ConfigError, DocmillError

app = App(
    name="docmill",
    help="Run documents through LLM chat completions, as Prefect flows: validated records in a database.",
    help_format="plaintext",
    result_action="return_value",
)
app.command("flows.cli.run:run", name="run")
app.command("flows.cli.check:check", name="check")
app.command("flows.cli.evaluate:evaluate", name="evaluate")
app.command("flows.cli.local:local", name="local")


def main() -> None:
    """Run a command and exit with its code: 0 complete, 1 incomplete, 2 wrong configuration, 3 stopped."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: list[str]) -> int:
    """Run a command; gives its exit code."""
    try:
        return app(arguments, exit_on_error=False, print_error=True) or 0
    except CycloptsError:
        return 2
    except DocmillError as error:
        fail(error)
        return 2 if isinstance(error, ConfigError) else 3
    except KeyboardInterrupt:
        return 3
