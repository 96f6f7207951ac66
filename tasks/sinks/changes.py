"""What has changed since a run: every form of an outcome that began later, to be appended."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, select

from docmill.schemas.errors import ConfigError
from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.rows import Row, chunks
from docmill.tasks.sinks.tables import HISTORY, OUTCOMES
from docmill.tasks.sinks.upgrade import present

BEGAN, ENDED = "changed_at", "replaced_at"


def changes_since(results: Results, run: Row) -> Iterator[Row]:
    """Give the forms of outcomes that began after a run had ended, by document and time.

    Each has `changed_at`, when it began, and `replaced_at`, which is None of the one that stands: a document
    whose last form has one was removed then. Raises
    ConfigError for a run that has not ended.
    """
    since = run["ended_at"]
    if since is None:
        raise ConfigError(f"--changes-since: the run {run['run_id']} has not ended: name an earlier one")
    documents = _changed(results, since)
    for some in chunks(documents):
        for forms in _forms(results, some):
            begun = list(_begun(forms))
            is_removed = bool(begun) and begun[-1][ENDED] is not None
            yield from (form for form in begun[: -1 if is_removed else None] if form[BEGAN] > since)
            if is_removed and begun[-1][ENDED] > since:
                yield begun[-1]


def _changed(results: Results, since: datetime) -> list[str]:
    """List the documents of which a form may have begun since."""
    own = OUTCOMES.c.pipeline == results._pipeline
    ids = {
        row[0]
        for row in results._rows(select(OUTCOMES.c.document_id).where(own, OUTCOMES.c.updated_at > since))
    }
    if _of_history(results):
        replaced = HISTORY.c.pipeline == results._pipeline, HISTORY.c.replaced_at > since
        ids |= {row[0] for row in results._rows(select(HISTORY.c.document_id).where(*replaced))}
    return sorted(ids)


def _forms(results: Results, documents: Sequence[str]) -> Iterator[list[Row]]:
    """Give each document's forms, the oldest first."""
    forms: dict[str, list[Row]] = {document: [] for document in documents}
    if columns := _of_history(results):
        earlier = select(*columns).where(
            HISTORY.c.pipeline == results._pipeline, HISTORY.c.document_id.in_(documents)
        )
        for row in results._rows(earlier.order_by(HISTORY.c.replaced_at)):
            forms[row.document_id].append(row._mapping)
    for row in results._rows(results._outcomes(None).where(OUTCOMES.c.document_id.in_(documents))):
        forms[row.document_id].append(row._mapping)
    yield from forms.values()


def _begun(forms: Sequence[Row]) -> Iterator[Row]:
    """Say of each form when it began: when the one before it was replaced, else when it was written."""
    began: datetime | None = None
    for form in forms:
        yield {**form, BEGAN: began or form["updated_at"], ENDED: form.get(ENDED)}
        began = form.get(ENDED)


def _of_history(results: Results) -> Sequence[Column[Any]]:
    """List the columns of the history that the database has: one of an earlier version lacks some, or all."""
    with results._failing(), results._engine.connect() as connection:
        return present(connection, HISTORY)
