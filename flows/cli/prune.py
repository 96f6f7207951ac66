"""`docmill prune`: frees what the cache holds and no stored outcome needs; makes no call."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from docmill.flows.cli.options import FLAG, Json
from docmill.flows.cli.output import console, plain, print_json
from docmill.flows.pipeline.ends import into_of
from docmill.flows.pipeline.file import load, pipeline_file
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.prune.prune import Pruned, databases
from docmill.flows.prune.prune import prune as pruned
from docmill.tasks.chat.kept import default_cache

Pipeline = Annotated[
    str, Parameter(help="Pipelines whose results databases are asked too", show_default=False)
]
Into = Annotated[
    tuple[str, ...],
    Parameter(
        name="--into",
        negative="",
        show_default=False,
        help="A results database that needs records; again for more",
    ),
]
Without = Annotated[
    tuple[str, ...],
    Parameter(
        name="--without",
        negative="",
        show_default=False,
        help="A results database that is gone for good: its URL, or the id that `prune` tells",
    ),
]
Days = Annotated[
    int,
    Parameter(validator=Number(gte=1, lte=36_500), help="Days: what was written or read since stays"),
]
DryRun = Annotated[bool, FLAG, Parameter(help="Say what would be freed, and free nothing")]
Unknown = Annotated[
    bool, FLAG, Parameter(help="Free those, too, of which it is not known whether a result needs them")
]
UNITS = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3))


def prune(
    *pipelines: Pipeline,
    older_than: Days = 30,
    into: Into = (),
    without: Without = (),
    unknown: Unknown = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """Free the records of the cache that no stored outcome needs, and old earlier forms of outcomes.

    Every results database that runs have used with this cache is asked what it needs; where one of them
    cannot be read nothing is freed.
    """
    declared = (load(pipeline_file(each)).pipeline for each in pipelines)
    given = [*(into_of(each, RunOptions()).url for each in declared), *into]
    cache = default_cache()
    found = databases(cache, given, without)
    done = pruned(cache, found, older_than, dry_run=dry_run, unknown=unknown)
    if json:
        print_json({"cache": str(cache), "dry_run": dry_run, **done.model_dump()})
    else:
        _print(done, str(cache), older_than, dry_run=dry_run)
    return 0


def _print(done: Pruned, cache: str, days: int, *, dry_run: bool) -> None:
    out = console()
    would = "would be freed" if dry_run else "freed"
    said = [(f"{_records(done.freed)}, {_size(done.freed_bytes)}, {would} of {cache}", "bold")]
    reasons = (
        (done.needed, "needed by outcomes"),
        (done.recent, f"written or read within {days} days"),
        (done.unknown, "of which it is not known whether an outcome needs them: --unknown frees them"),
        (done.in_use, "in use"),
    )
    said += [(f"kept: {_records(count)} {why}", "") for count, why in reasons if count]
    if done.earlier_forms:
        forms = "1 earlier form" if done.earlier_forms == 1 else f"{done.earlier_forms:,} earlier forms"
        said.append((f"{forms} of outcomes {would}, replaced more than {days} days ago", ""))
    asked = ", ".join(done.databases) or "none: no run has used this cache since it keeps a list of them"
    said.append((f"results databases: {asked}", "dim"))
    for line, style in said:
        out.print(plain(line, style), soft_wrap=True)


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"


def _size(size: int) -> str:
    unit, of = next(((unit, of) for unit, of in UNITS if size >= of), ("bytes", 1))
    return f"{size / of:,.1f} {unit}" if of > 1 else f"{size:,} {unit}"
