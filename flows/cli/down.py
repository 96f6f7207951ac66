"""`docmill down`: end docmill's own Prefect server, which stays for a while after a run."""

from docmill.flows.cli.output import console
from docmill.flows.server.home import home
from docmill.flows.server.own import end


def down() -> int:
    """End docmill's own Prefect server at once; exit code 2 while a run uses it.

    What it has recorded stays in its database. A server that PREFECT_API_URL names is left alone.
    """
    ended = end(home())
    console().print(
        "docmill's Prefect server has ended" if ended else "docmill's Prefect server does not run"
    )
    return 0
