"""Where labels come from: the one place that a further source of labels is added to."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from docmill.flows.evaluate.fields import Field
from docmill.flows.evaluate.labels import csvfile, jsonl, table
from docmill.flows.evaluate.labels.truth import Truth
from docmill.schemas.evaluate import LabelsQuery

JSONL = (".jsonl", ".ndjson")
Source = Path | LabelsQuery


def labels_of(source: Source, fields: Field) -> list[Truth]:
    """Read all labels of a source; raises ConfigError, with the place, for what is none."""
    if isinstance(source, LabelsQuery):
        return table.read(source, fields)
    if source.suffix.lower() in JSONL:
        return jsonl.read(source, fields)
    return csvfile.read(source, fields)


def named(source: Source) -> str:
    """Name a source, without its database's password."""
    if isinstance(source, LabelsQuery):
        from docmill.tasks.sources.query import shown

        return f"{shown(source.url)}: {' '.join(source.query.split())}"
    return str(source)


def sha256(truths: Sequence[Truth]) -> str:
    """Hash what labels say: figures of other labels are no measure."""
    said = [[truth.document, truth.label, truth.fields] for truth in truths]
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
