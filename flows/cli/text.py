"""`docmill text`: what a step would send of files, and what could not be read of them."""

import glob
import json as jsonlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Annotated

from cyclopts import Parameter

from docmill.flows.cli.output import console, plain, printable
from docmill.flows.cli.text_parts import divided, dividing
from docmill.schemas.document import Ocr, Recognized, Sight, Unread
from docmill.schemas.errors import ConfigError, DocmillError
from docmill.tasks.checks.quality import grade
from docmill.tasks.sources.bundles import Bundles, Known
from docmill.tasks.sources.documents import source_of
from docmill.tasks.sources.source import DocumentRef
from docmill.tasks.sources.urls import is_remote
from docmill.tasks.steps.prompt import harmless

Patterns = Annotated[
    tuple[str, ...],
    Parameter(help="Files, globs or URLs, as a pipeline's `documents` has them", show_default=False),
]
Reads = Annotated[Ocr, Parameter(help="Whether pictures are read: a pipeline's `ocr`")]
Divides = Annotated[
    str | None,
    Parameter(help="A pipeline with `split`: files are divided as its runs have", show_default=False),
]
Lines = Annotated[
    bool,
    Parameter(
        negative="",
        show_default=False,
        help="Print one JSON object a file, a line each, on stdout, and nothing else there",
    ),
]


@dataclass(frozen=True)
class _Reading:
    """What came of reading a file: its text, or why there is none."""

    name: str
    uri: str
    text: str | None = None
    unread: tuple[Unread, ...] = ()
    recognized: tuple[Recognized, ...] = ()
    error: str | None = None


def text(file: Patterns, /, *, ocr: Reads = "missing", pipeline: Divides = None, json: Lines = False) -> int:
    """Print the text of documents as a step would send it, and on stderr what could not be read.

    With --pipeline each document of a file that holds several is printed as one, as far as it is known
    where they begin: what is attached to a mail or packed in an archive, and pages that a run has divided.
    Nothing is sent. Exit code 1 where a document could not be read at all, 2 where nothing matches.
    """
    failed = False
    plan, known = dividing(pipeline) if pipeline is not None else (None, None)
    with _listed(file, ocr, known) as listed:
        refs = listed if plan is None else divided(plan, listed, _note)
        begun = list(islice(refs, 2))
        for number, ref in enumerate(chain(begun, refs)):
            reading = _read(ref)
            failed = failed or reading.error is not None
            if json:
                _print_json(reading)
            else:
                _print(reading, number if len(begun) > 1 else None)
    return 1 if failed else 0


@contextmanager
def _listed(patterns: Sequence[str], ocr: Ocr, known: Known | None) -> Iterator[Iterator[DocumentRef]]:
    """List what the patterns match, each once, in their order; raises ConfigError for one without."""
    with ExitStack() as stack:
        listings = []
        for pattern in patterns:
            # A shell has expanded its globs: what is there by this very name is meant, brackets and all.
            there = not is_remote(pattern) and os.path.lexists(pattern)
            files = source_of([glob.escape(pattern) if there else pattern], Sight(ocr=ocr))
            source = files if known is None else Bundles(files, known)
            refs = stack.enter_context(source.opened())
            if (first := next(refs, None)) is None:
                raise ConfigError(source.nothing())
            listings.append(chain([first], refs))
        yield _once(chain.from_iterable(listings))


def _once(refs: Iterator[DocumentRef]) -> Iterator[DocumentRef]:
    given: set[str] = set()
    for ref in refs:
        if ref.document_id not in given:
            given.add(ref.document_id)
            yield ref


def _read(ref: DocumentRef) -> _Reading:
    try:
        document = ref.read()
    except DocmillError as error:
        return _Reading(ref.document_id, ref.uri, error=str(error))
    except Exception as error:  # noqa: BLE001  whatever it is, the others are shown
        return _Reading(ref.document_id, ref.uri, error=f"cannot be read: {type(error).__name__}")
    return _Reading(ref.document_id, ref.uri, harmless(document.text), document.unread, document.recognized)


def _note(said: str) -> None:
    console(stderr=True).print(plain(said, "yellow"), soft_wrap=True)


def _print_json(reading: _Reading) -> None:
    unread = [each.model_dump() for each in reading.unread]
    recognized = [{**each.model_dump(), "grade": grade(each.confidence)} for each in reading.recognized]
    told = {"uri": reading.uri, "text": reading.text, "unread": unread, "recognized": recognized}
    told["error"] = reading.error
    sys.stdout.write(jsonlib.dumps(told, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _print(reading: _Reading, number: int | None) -> None:
    """Print a text as it is, under its name where there are several; only a terminal is protected from it."""
    if number is not None:
        sys.stdout.write("\n" * (number > 0) + f"==> {plain(reading.name)} <==\n")
    if reading.text is not None:
        shown = printable(reading.text) if sys.stdout.isatty() else reading.text
        sys.stdout.write(f"{shown}\n")
    sys.stdout.flush()
    told, name = console(stderr=True), reading.name
    if reading.error is not None:
        told.print(plain(f"{name}: {reading.error}", "red"), soft_wrap=True)
    for seen in reading.recognized:
        sure = (
            f"{name}: {seen.part}: read by its picture, {seen.confidence:.0%} sure: {grade(seen.confidence)}"
        )
        told.print(plain(sure, "dim"), soft_wrap=True)
    for each in reading.unread:
        told.print(plain(f"{name}: {each.line()}", "yellow"), soft_wrap=True)
