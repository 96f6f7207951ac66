"""Each typed table as a Prefect asset, which a run materialises: its lineage is source to table."""

import asyncio
import hashlib
import re

from prefect.assets import Asset, AssetProperties
from prefect.context import AssetContext
from prefect.events import emit_event
from sqlalchemy import make_url

from docmill.flows.pipeline.plan import Plan
from docmill.schemas.outcome import Run
from docmill.tasks.sinks.database import sqlite_file
from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.typed_rows import Filled

NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9._/-]")  # narrower than Prefect's rule
LONGEST_PART = 400


async def materialised(plan: Plan, results: Results, run: Run) -> None:
    """Announce the typed tables that a run has written rows to, with their counts, and its source.

    Raises StorageError where they cannot be counted.
    """
    written = await asyncio.to_thread(results.filled, run.run_id)
    if not written:
        return
    source = source_asset(plan)
    emit_event("prefect.asset.referenced", AssetContext.asset_as_resource(source))
    related = [AssetContext.asset_as_related(source), AssetContext.related_materialized_by("docmill")]
    for table in written:
        emit_event(
            "prefect.asset.materialization.succeeded",
            AssetContext.asset_as_resource(table_asset(plan, table)),
            related=related,
            payload=_metadata(run, table),
        )


def table_asset(plan: Plan, table: Filled) -> Asset:
    """Make the asset of a typed table: its database and name are its key, so all pipelines mean the same."""
    url, file = make_url(plan.into.url), sqlite_file(plan.into.url)
    place = [str(file.absolute())] if file else [url.host or "localhost", str(url.port or 5432), url.database]
    key = "/".join(_fit(part or "") for part in [*place, table.table])
    described = f"Records of the pipeline {plan.name}, a row a document"
    properties = AssetProperties(name=table.table, description=described)
    return Asset(key=f"{url.get_backend_name()}://{key}", properties=properties)


def source_asset(plan: Plan) -> Asset:
    """Make the asset of what a pipeline reads; its name is the glob or the query's own words."""
    return Asset(
        key=f"docmill://{plan.name}/source", properties=AssetProperties(name=plan.source.described())
    )


def _metadata(run: Run, table: Filled) -> dict[str, str | int]:
    counts = {"rows": table.rows, "rows_in_all": table.rows_in_all, "documents_in": run.documents_in}
    return {"run_id": run.run_id, "state": run.state, **counts}


def _fit(part: str) -> str:
    """Write a part of a key in the signs that keys may have; two that differ stay two."""
    fitting = NOT_IN_KEYS.sub("-", part)[-LONGEST_PART:]
    if fitting == part:
        return part
    return f"{fitting}-{hashlib.sha256(part.encode()).hexdigest()[:8]}"
