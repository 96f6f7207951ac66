"""`docmill review`: what waits for a person is decided, in the terminal, as a page, by CSV or by script."""

import getpass
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from docmill.flows.cli.options import FLAG, Documents, IntoUrl, PipelineName
from docmill.flows.cli.output import console, plain, print_json
from docmill.flows.pipeline.file import load, pipeline_file
from docmill.flows.review import sheet
from docmill.flows.review.case import Case
from docmill.flows.review.deciding import Person, Said
from docmill.flows.review.review import Review, opened, source_of
from docmill.flows.review.settling import Decided
from docmill.schemas.errors import ConfigError

Ids = Annotated[
    tuple[str, ...],
    Parameter(negative="", show_default=False, help="Accept all that is open of this document"),
]
Sets = Annotated[
    tuple[tuple[str, str], ...],
    Parameter(
        name="--set",
        negative="",
        show_default=False,
        help="Correct a value: DOCUMENT PATH=VALUE; the path is a JSON Pointer, or dotted, the value JSON, "
        "else a text",
    ),
]
Rejects = Annotated[
    tuple[str, ...],
    Parameter(negative="", show_default=False, help="Reject this document: it fills no table"),
]
Note = Annotated[str, Parameter(show_default=False, help="Kept with the decisions")]
By = Annotated[str | None, Parameter(help="Who decides; the login name where it is left out")]
Export = Annotated[Path | None, Parameter(help="Write what is open to this CSV file, or - for stdout")]
Import = Annotated[
    Path | None, Parameter(name="--import", help="Carry out the decisions of this CSV file, all or nothing")
]
Page = Annotated[bool, FLAG, Parameter(help="Serve the review as a page on this machine, until Ctrl-C")]
Json = Annotated[bool, FLAG, Parameter(help="Print one JSON object: what waits, or what was decided")]


def review(
    pipeline: PipelineName,
    /,
    *,
    accept: Ids = (),
    set_: Sets = (),
    reject: Rejects = (),
    note: Note = "",
    by: By = None,
    export: Export = None,
    import_: Import = None,
    page: Page = False,
    documents: Documents = None,
    into: IntoUrl = None,
    json: Json = False,
) -> int:
    """Decide what waits in review; makes no call.

    Without an option it goes through it in the terminal, one point after the other. A document whose last
    point is decided is done at once: its record and its typed row are written. --documents says where
    texts are read, where the run took others than the pipeline's.
    """
    words = _words(accept, set_, reject, note)
    _require_one(decide=bool(words), export=export is not None, import_=import_ is not None, page=page)
    declared = load(pipeline_file(pipeline))
    person = Person(by or _login(), datetime.now(UTC))
    with opened(declared, into) as found:
        if words:
            named: dict[str, list[Said]] = {}
            for document, said in words:
                named.setdefault(found.document(document), []).append(said)
            _tell(found.decide(named, person), json)
        elif import_ is not None:
            _tell(sheet.imported(found, import_, person), json)
        elif export is not None:
            _export(found, export)
        elif json:
            print_json(_listed(found.waiting()))
        elif page:
            from docmill.flows.cli.review_page import serve

            serve(found, source_of(declared, documents, into), person.by)
        else:
            _require_terminal(pipeline)
            from docmill.flows.cli.review_terminal import Terminal

            Terminal(found, source_of(declared, documents, into), person.by, note).run()
    return 0


def _login() -> str:
    """Name the user; one that the machine does not know is nobody."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "nobody"


def _words(
    accept: Sequence[str], sets: Sequence[tuple[str, str]], reject: Sequence[str], note: str
) -> list[tuple[str, Said]]:
    """Put what is said in its order: corrections first, then what is accepted with them."""
    words: list[tuple[str, Said]] = []
    for document, assigned in sets:
        path, equals, value = assigned.partition("=")
        if not equals or not path:
            raise ConfigError(f"--set: must be DOCUMENT PATH=VALUE, as in/a.txt total=12, not {assigned!r}")
        words.append((document, Said("correct", path, text=value, note=note)))
    words += [(document, Said("accept", note=note)) for document in accept]
    for document in reject:
        if document in {*accept, *(each for each, _ in sets)}:
            raise ConfigError(f"--reject: {document!r} is accepted or corrected by the same command")
        words.append((document, Said("reject", note=note)))
    return words


def _require_one(**wanted: bool) -> None:
    names = {"decide": "--accept, --set and --reject", "import_": "--import"}
    chosen = [names.get(name, f"--{name}") for name, is_wanted in wanted.items() if is_wanted]
    if len(chosen) > 1:
        raise ConfigError(f"{chosen[1]}: not together with {chosen[0]}")


def _export(found: Review, file: Path) -> None:
    if str(file) == "-":
        sheet.write(sys.stdout, found.waiting())
        return
    try:
        with file.open("w", encoding="utf-8", newline="") as out:
            count = sheet.write(out, found.waiting())
    except OSError as error:
        raise ConfigError(f"--export: {str(file)!r} cannot be written: {error.strerror}") from None
    points = "1 point" if count == 1 else f"{count:,} points"
    console(stderr=True).print(f"{points} to decide in {file}", markup=False, soft_wrap=True)


def _require_terminal(pipeline: str) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError(
            "this is no terminal: list what waits with --json or --export FILE.csv, decide it with --accept, "
            f"--set, --reject or --import, or serve a page with `docmill review {pipeline} --page`"
        )


def _listed(cases: Sequence[Case]) -> dict[str, Any]:
    return {
        "waiting": len(cases),
        "documents": [
            {
                "document": each.document_id,
                "error": each.row["error"],
                "points": [point.model_dump() for point in each.points],
            }
            for each in cases
        ],
    }


def _tell(decided: Sequence[Decided], json: bool) -> None:
    if json:
        told = [
            {
                "document": each.case.document_id,
                "status": each.status,
                "decisions": each.kept,
                "open": len(each.case.points),
                "rejected": each.case.holding.rejected is not None,
            }
            for each in decided
        ]
        print_json({"documents": told})
        return
    out = console()
    for each in decided:
        out.print(plain(f"{each.case.document_id}: {came_to(each)}"), soft_wrap=True)


def came_to(decided: Decided) -> str:
    """Say what a document has come to."""
    if not decided.kept:
        return "nothing to decide that was not decided before"
    if decided.case.holding.rejected:
        return "rejected: it no longer waits, and fills no table"
    if decided.status == "done":
        return "done"
    if decided.case.asked_anew:
        return f"the next run asks {', '.join(decided.case.asked_anew)} by the decided label"
    left = ", ".join(point.name for point in decided.case.points[:5])
    more = f" and {len(decided.case.points) - 5} more" if len(decided.case.points) > 5 else ""
    return f"in review, open are {left}{more}"
