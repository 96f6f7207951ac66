"""The documents of a shard: those that its run has listed are found again, one by one."""

from collections.abc import Iterator
from contextlib import contextmanager

from docmill.tasks.sources.arrivals import Outside, named
from docmill.tasks.sources.bundles import Bundles
from docmill.tasks.sources.divided import PartRef, Readings
from docmill.tasks.sources.documents import Documents
from docmill.tasks.sources.files import Files
from docmill.tasks.sources.reading import RowRef, row_ref
from docmill.tasks.sources.row_files import RowFiles
from docmill.tasks.sources.rows import Rows
from docmill.tasks.sources.source import DocumentRef, Source


class Dealt:
    """The `whole` source of a pipeline as a shard has it: it is opened, but not listed again."""

    def __init__(self, whole: Source) -> None:
        self.whole = whole
        self._files: RowFiles | None = None  # that rows name, while it is open
        self._readings = Readings()

    @contextmanager
    def opened(self) -> Iterator[Iterator[DocumentRef]]:
        """List nothing; raises ConfigError where the pipeline's own source does not exist."""
        if isinstance(self.whole, Files | Documents | Bundles):
            with self.whole.opened():
                yield iter(())
        else:  # a query is not executed again
            assert isinstance(self.whole, Rows)
            with self.whole.files() as self._files:
                yield iter(())

    def count(self) -> None:
        """Say nothing: the run knows."""

    def described(self) -> str:
        """Say what it is a part of."""
        return f"a part of {self.whole.described()}"

    def nothing(self) -> str:
        """Say that there is nothing to do."""
        return self.whole.nothing()

    def ref(
        self, document_id: str, uri: str, text: str | None, fault: str | None, file: str | None
    ) -> DocumentRef:
        """Give a document that the run has listed, by what is `written` of it."""
        if text is not None or fault is not None:
            return row_ref((document_id, text or "", fault, file), uri.rpartition("#")[0], self._files)
        if isinstance(self.whole, Bundles):
            found = self.whole.find(document_id, file, self._readings)
        else:
            assert isinstance(self.whole, Files | Documents)
            found = named(document_id, self.whole)
        return found if found.document_id == document_id else Outside(document_id, uri)


def written(ref: DocumentRef) -> tuple[str | None, str | None, str | None]:
    """Give a row's text, its fault and the file that it names; of a document within a file that alone."""
    if isinstance(ref, PartRef):
        return None, None, ref.file.document_id
    if not isinstance(ref, RowRef):
        return None, None, None
    return ref.text, ref.fault, ref.file.document_id if ref.file else None
