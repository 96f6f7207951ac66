"""Where labels come from: the one place that a further source of labels is added to."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from docmill.flows.evaluate.fields import Field
from docmill.flows.evaluate.labels import csvfile, jsonl, reviews, table
from docmill.flows.evaluate.labels.reviews import Reviews
from docmill.flows.evaluate.labels.truth import Truth
from docmill.schemas.errors import ConfigError
from docmill.schemas.evaluate import REVIEWS, LabelsQuery

JSONL = (".jsonl", ".ndjson")
Source = Path | LabelsQuery | Reviews


def labels_of(source: Source, fields: Field) -> list[Truth]:
    """Read all labels of a source; raises ConfigError, with the place, for what is none."""
    if isinstance(source, Reviews):
        return reviews.read(source, fields)
    read = _read(source, fields)
    seen: dict[str, str] = {}
    for truth in read:
        place = seen.setdefault(truth.document, truth.place)
        if place != truth.place:
            raise ConfigError(f"{truth.place}: {truth.document!r} has a label already, at {place}")
    return read


def _read(source: Path | LabelsQuery, fields: Field) -> list[Truth]:
    if isinstance(source, LabelsQuery):
        return table.read(source, fields)
    if source.suffix.lower() in JSONL:
        return jsonl.read(source, fields)
    return csvfile.read(source, fields)


def named(source: Source) -> str:
    """Name a source, without its database's password."""
    if isinstance(source, Reviews):
        return REVIEWS
    if isinstance(source, LabelsQuery):
        from docmill.tasks.sources.query import shown

        return f"{shown(source.url)}: {' '.join(source.query.split())}"
    return str(source)


def sha256(truths: Sequence[Truth]) -> str:
    """Hash what labels say: figures of other labels are no measure."""
    said = [[truth.document, truth.label, truth.fields] for truth in truths]
    return hashlib.sha256(
        json.dumps(said, sort_keys=True, ensure_ascii=False, default=vars).encode()
    ).hexdigest()
