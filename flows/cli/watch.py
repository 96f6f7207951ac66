"""`docmill watch`: announce what arrives in a directory, until it is interrupted."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.types import PositiveInt

from docmill.flows.cli.output import console, plain
from docmill.flows.server.launch import Server, launch
from docmill.flows.watch.watch import Watch, watched

AGAIN_AFTER_S = 600

Directory = Annotated[Path, Parameter(help="The directory, with those below it", show_default=False)]
Name = Annotated[str, Parameter(help="A pipeline's name")]
AgainAfter = Annotated[
    PositiveInt, Parameter(help="Announce again after so many seconds what still has no outcome")
]
Json = Annotated[
    bool,
    Parameter(negative="", show_default=False, help="Print JSON objects, one a line, and nothing else"),
]


def watch(
    directory: Directory,
    /,
    *,
    pipeline: Name,
    again_after: AgainAfter = AGAIN_AFTER_S,
    json: Json = False,
) -> int:
    """Announce every complete file without an outcome; ends with 0 when it is interrupted."""
    what = watched(directory, pipeline)
    told = _Json() if json else _Lines()
    launched: Server | None = None
    watching: Watch | None = None
    try:
        told.say(f"watching {what.directory} for the pipeline {pipeline}")
        launched = launch(told.say)
        launched.wait()
        told.say(f"announcing to the Prefect server {launched.api_url}")
        watching = Watch(what, launched, again_after, told)
        watching.run()
    except KeyboardInterrupt:
        told.ended(watching)
    finally:
        if launched is not None and (staying := launched.release()):
            told.say(staying)
    return 0


class _Lines:
    """Tells in lines for people."""

    def __init__(self) -> None:
        self._out = console()

    def say(self, message: str) -> None:
        self._out.print(plain(message), soft_wrap=True)

    def announced(self, event_id: str, documents: int, occurred: datetime) -> None:
        self.say(f"{occurred:%Y-%m-%d %H:%M:%S}Z announced {_counted(documents)}, event {event_id}")

    def ended(self, watching: Watch | None) -> None:
        documents, events = (watching.documents, watching.events) if watching else (0, 0)
        self.say(f"ended: announced {_counted(documents)} in {events} event{'s' * (events != 1)}")


class _Json:
    """Tells in JSON objects, one a line; `kind` says what it is about."""

    def say(self, message: str) -> None:
        self._write("message", datetime.now(UTC), message=message)

    def announced(self, event_id: str, documents: int, occurred: datetime) -> None:
        self._write("announced", occurred, event_id=event_id, documents=documents)

    def ended(self, watching: Watch | None) -> None:
        documents, events = (watching.documents, watching.events) if watching else (0, 0)
        self._write("ended", datetime.now(UTC), documents=documents, events=events)

    def _write(self, kind: str, at: datetime, **values: Any) -> None:
        sys.stdout.write(json.dumps({"kind": kind, "at": at.isoformat(), **values}) + "\n")
        sys.stdout.flush()


def _counted(documents: int) -> str:
    return f"{documents} document{'s' * (documents != 1)}"
