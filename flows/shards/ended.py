"""How a shard came to its end: by whom, by what, and in which words that is told."""

import re
from typing import Any

from prefect.client.schemas.objects import State

from docmill.flows.run.stop import CANCELLED
from docmill.schemas import errors
from docmill.schemas.errors import Fatal
from docmill.schemas.shard import Shard

# Prefect's own words before an error's, which may quote a document.
UNFORESEEN = re.compile(r"(?:Flow run encountered|[\w ]+ by) an (?:unexpected )?exception:? *(\w*)")


def why_ended(state: State[Any]) -> str:
    """Say what a flow run ended by: of an error that is not docmill's its kind alone."""
    if found := UNFORESEEN.match(state.message or ""):
        return f"an error that nobody foresaw: {found[1]}"
    return state.message or str(state.name)


def is_interrupted(state: State[Any]) -> bool:
    """Say whether a signal ended it, as a worker's that is shut down: nobody has cancelled it."""
    return state.name == "Stopped" and not (state.message or "").startswith(CANCELLED)


def fatal(shard: Shard) -> Fatal | None:
    """Give the answer that stopped a shard, and would stop every other."""
    kind = getattr(errors, shard.error_kind or "", None)
    if isinstance(kind, type) and issubclass(kind, Fatal):
        return kind(shard.error or "")
    return None
