"""A DuckDB file as a source of rows: read only, and its query opens nothing else."""

import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from docmill.schemas.errors import ConfigError
from docmill.tasks.sources.tabular.locked import SETTINGS, hardened


def duckdb_engine(url: URL, file: Path, place: str) -> Engine:
    """Make the engine of a DuckDB file that is there; raises ConfigError for more than a file's name.

    Raises ModuleNotFoundError, and NoSuchModuleError, where its packages are missing.
    """
    if url.query:
        raise ConfigError(
            f"{place}.url: a DuckDB file is named alone, without options: duckdb:///rows.duckdb"
        )
    config = {**SETTINGS, "temp_directory": str(Path(tempfile.gettempdir(), "docmill-rows-spilled"))}
    engine = create_engine(
        url.set(database=str(file)), poolclass=NullPool, connect_args={"read_only": True, "config": config}
    )

    @event.listens_for(engine, "connect")
    def _lock(connection: Any, _: object) -> None:
        hardened(connection)

    return engine
