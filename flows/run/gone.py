"""Documents that have results and are no longer in the source: known once all of it has been listed."""

import asyncio
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from shlex import quote

from docmill.flows.pipeline.plan import Plan
from docmill.flows.run.emptied import Emptied, Shown, whole_paths
from docmill.schemas.bundle import file_of
from docmill.schemas.outcome import RunState
from docmill.schemas.pipeline import Gone
from docmill.tasks.chat.session import Session
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.gone import settle
from docmill.tasks.sources.bundles import Bundles
from docmill.tasks.sources.divided import PartRef, Undivided
from docmill.tasks.sources.documents import Documents
from docmill.tasks.sources.files import FileRef, Files
from docmill.tasks.sources.patterns import folder
from docmill.tasks.sources.reading import RowRef
from docmill.tasks.sources.rows import Rows
from docmill.tasks.sources.source import DocumentRef, Source

BECOMES: dict[Gone, str] = {
    "keep": "its outcome stays",
    "mark": "its outcome is marked (gone_at)",
    "remove": "its outcome is removed, and stays in docmill_history",
}


class Seen(Iterator[DocumentRef]):
    """Passes on what a source lists, and keeps 8 bytes of each id.

    `whole` once the source has ended, each of its directories could be listed, and each row of a file could
    be told from others. `begun_at` is when the listing began, `shown` are the folders of which something was
    listed.
    """

    def __init__(self, refs: Iterator[DocumentRef]) -> None:
        self._refs = refs
        self._ids = array("Q")
        self._files = array("Q")  # of which is not known yet what they hold
        self._lacks = False
        self.whole = False
        self.begun_at = datetime.now(UTC)
        self.shown = Shown()

    def __next__(self) -> DocumentRef:
        try:
            ref = next(self._refs)
        except StopIteration:
            self.whole = not self._lacks
            raise
        self._ids.append(_digest(ref.document_id))
        if isinstance(ref, Undivided):
            self._files.append(_digest(ref.document_id))
        file = ref.file if isinstance(ref, Undivided | PartRef) else ref
        self._lacks |= isinstance(ref, RowRef) and ref.is_broken
        if isinstance(file, FileRef):
            self._lacks |= file.unlisted
            self.shown.add(file)
        return ref

    def __len__(self) -> int:
        return len(self._ids)

    def sort(self) -> None:
        """Make it ready to be asked."""
        self._ids, self._files = array("Q", sorted(self._ids)), array("Q", sorted(self._files))

    def has(self, document_id: str) -> bool:
        """Say whether a document was listed, or is in a file of which was not known what it holds."""
        return _holds(self._ids, document_id) or _holds(self._files, file_of(document_id))


async def tell_gone(
    plan: Plan, seen: Seen | None, session: Session, results: ReviewedResults, state: RunState
) -> None:
    """Do with outcomes of documents that are gone what the pipeline says, and say how many there are.

    Only after a reading of the whole source that ended well, and that found anything at all, in each folder
    in which a pattern begins: an empty one may be one that is not mounted. What was in a folder of which
    nothing is listed any more is left as it is, too, unless it is kept anyway. Raises StorageError.
    """
    if plan.gone is None or seen is None or not seen.whole or state not in ("complete", "incomplete"):
        return
    if not len(seen):
        return
    if bare := await asyncio.to_thread(_bare, plan.source, plan.gone_for_good):
        session.tell(
            f"documents that are gone are not looked for: the folder {bare} is empty or not there, "
            f"and may not be mounted. Where it is gone for good: run once more with --gone {quote(str(bare))}"
        )
        return
    await asyncio.to_thread(seen.sort)
    emptied = Emptied(_files(plan.source) if plan.gone != "keep" else None, seen.shown, plan.gone_for_good)
    count = await asyncio.to_thread(settle, results, plan.gone, seen.has, seen.begun_at, emptied.has)
    if told := emptied.told():
        session.tell(told)
    if count:
        many = "1 document with an outcome is" if count == 1 else f"{count:,} documents with outcomes are"
        session.tell(f"{many} no longer in the source: {BECOMES[plan.gone]} (`gone: {plan.gone}`)")


def _bare(source: Source, for_good: Collection[str] = ()) -> Path | None:
    """Find a folder in which a pattern of a source begins, and which is empty or not there.

    It is none that is gone `for_good`, or within one.
    """
    folders = (folder(pattern, Path.cwd()) for pattern in _local_patterns(source))
    gone = whole_paths(for_good)
    return next(
        (each for each in folders if _is_bare(each) and not any(map(each.is_relative_to, gone))), None
    )


def _local_patterns(source: Source) -> tuple[str, ...]:
    if isinstance(source, Rows):
        return source.local_patterns()
    files = _files(source)
    files = files.files if isinstance(files, Documents) else files
    return files.patterns if files else ()


def _files(source: Source) -> Files | Documents | None:
    """Give the files that a source lists; None for rows."""
    files = source.source if isinstance(source, Bundles) else source
    return files if isinstance(files, Files | Documents) else None


def _is_bare(place: Path) -> bool:
    """Say whether a folder is empty, or cannot be looked into."""
    try:
        return not any(place.iterdir())
    except OSError:
        return True


def _digest(document_id: str) -> int:
    return int.from_bytes(blake2b(document_id.encode(errors="surrogatepass"), digest_size=8).digest())


def _holds(among: "array[int]", document_id: str) -> bool:
    wanted = _digest(document_id)
    place = bisect_left(among, wanted)
    return place < len(among) and among[place] == wanted
