"""The command line: `docmill COMMAND`, one module a command, loaded when it is asked for."""

import os
import signal
import sys

from cyclopts import App, CycloptsError

from docmill.flows.cli import output
from docmill.flows.cli.loading import loading
from docmill.flows.cli.output import console, fail
from docmill.flows.server.settings import apply
from docmill.schemas.errors import ConfigError, DocmillError

app = App(
    name="docmill",
    help="Run documents through LLM chat completions, as Prefect flows: validated records in a database.",
    help_format="plaintext",
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
COMMANDS = {
    "init": "Make a folder that runs at once: a pipeline, its schema, a document, deployments",
    "run": "Run a pipeline over its documents: what is unchanged is passed over, nothing is paid twice.\n\n"
    "Exits with 0 where every document is done, unchanged or in review, with 1 where some are not, "
    "with 2 where the configuration is wrong and nothing was sent, and with 3 where the run was stopped.",
    "plan": "Say what a run would do and cost: documents, calls, tokens, USD and minutes; nothing is sent",
    "retry": "Run the documents that earlier runs did not get done, and no others.\n\n"
    "Exits as `run` does, and with 0 where there are none.",
    "check": "Check a pipeline; nothing is sent unless --connect says so",
    "text": "Print the text of files as a step would send it, and what could not be read of them.\n\n"
    "Nothing is sent. Exits with 1 where a file could not be read at all, with 2 where nothing matches.",
    "show": "Print the requests of a document, byte for byte, and the replies that the cache holds for them",
    "evaluate": "Say how often the stored results are right",
    "report": "Report a run, and what is not done with its reason",
    "runs": "List what runs came to and what they cost, one by one or by day, model or pipeline",
    "prune": "Free what the cache holds and no stored outcome needs; makes no call",
    "review": "Decide what waits in review: in the terminal, as a page, by CSV or by script.\n\n"
    "Nothing is sent. Exits with 2 where something cannot be decided so: nothing is then kept.",
    "export": "Write the outcomes to stdout as CSV or JSON lines",
    "deploy": "Write a pipeline's deployment into prefect.yaml: scheduled, or for what arrives",
    "up": "Serve the Prefect UI, the deployments and a worker on this machine",
    "down": "End docmill's own Prefect server, which stays for a while after a run",
    "chat": "Send one request to an endpoint and print its reply",
    "probe": "Ask a server what it can, and write the endpoint's mapping",
    "local": "Keep the embedded model ready for all runs",
    "watch": "Announce what arrives in a directory, as events",
}
for name, summary in COMMANDS.items():
    app.command(f"docmill.flows.cli.{name}:{name}", name=name, help=summary)


def main() -> None:
    """Run a command and exit with its code: 0 complete, 1 incomplete, 2 wrong configuration, 3 stopped."""
    apply()
    output.is_program = True
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # until a run takes the signals itself
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: list[str]) -> int:
    """Run a command; gives its exit code."""
    try:
        with loading():
            command, given, _ = app.parse_args(arguments, exit_on_error=False, print_error=True)
        return command(*given.args, **given.kwargs) or 0
    except CycloptsError:
        return 2
    except DocmillError as error:
        fail(error)
        return 2 if isinstance(error, ConfigError) else 3
    except BrokenPipeError:  # whoever reads has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        console(stderr=True).print("interrupted before anything was sent")
        return 3
