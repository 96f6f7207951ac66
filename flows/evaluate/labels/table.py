"""Labels in a table of a database: the rows of a query, with the columns of a file of labels."""

import json
from datetime import date
from typing import Any

from docmill.flows.evaluate.fields import Field
from docmill.flows.evaluate.labels.csvfile import require_columns, truth
from docmill.flows.evaluate.labels.truth import DOCUMENT, Truth
from docmill.schemas.errors import ConfigError
from docmill.schemas.evaluate import LabelsQuery

PLACE = "labels"


def read(source: LabelsQuery, fields: Field) -> list[Truth]:
    """Read the rows of a query; NULL asks nothing. Raises ConfigError."""
    from docmill.tasks.sources.query import Query, reason  # not where labels stand in a file

    query = Query(source.url, source.query, PLACE)
    try:
        require_columns(query.columns, fields, f"{PLACE}.query")
        rows = [dict(zip(query.columns, map(_cell, row), strict=True)) for row in query]
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - a driver's own, of a connection that is lost or a value
        raise ConfigError(f"{PLACE}.query: {reason(error)}") from None
    finally:
        query.close()
    for number, row in enumerate(rows, 1):
        if not row[DOCUMENT]:
            raise ConfigError(f"{PLACE}.query: row {number} names no document")
    return [truth(row, fields, f"{PLACE}.query: row {number}") for number, row in enumerate(rows, 1)]


def _cell(value: Any) -> str:
    """Write a database's value as a cell of a file of labels."""
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | list | dict) else str(value)
