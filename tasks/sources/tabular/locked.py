"""DuckDB, which downloads nothing, and once it is locked opens no file but those it was given."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docmill.schemas.errors import ConfigError, StorageError
from docmill.tasks.sources.tabular.view import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Nothing is downloaded, and a large sort goes to disk.
SETTINGS = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "threads": "1",
    "memory_limit": "512MB",
    "max_temp_directory_size": "20GB",
    "enable_external_file_cache": "false",  # no file is read twice
}
SPOKEN = ("ParserException", "BinderException", "CatalogException")  # whose words are the query's own


def connected(folder: Path) -> "DuckDBPyConnection":
    """Open a database in memory, which spills into a folder; raises ConfigError where DuckDB is missing."""
    try:
        import duckdb
    except ImportError:
        raise ConfigError("rows.files: needs the package duckdb: pip install 'docmill[duckdb]'") from None
    connection = duckdb.connect(":memory:", config={**SETTINGS, "temp_directory": str(folder / "spilled")})
    _quieten(connection)
    return connection


def lock(connection: "DuckDBPyConnection", files: Iterable[Path]) -> None:
    """Let it open these files alone, for good: a query may come from whoever may start a run."""
    allowed = ", ".join(quoted(str(file)) for file in files)
    connection.execute(f"SET allowed_paths = [{allowed}]")
    _lock(connection)


def hardened(connection: Any) -> None:
    """Let it open no file but its own, for good."""
    _quieten(connection)
    _lock(connection)


def select_of(connection: "DuckDBPyConnection", query: str) -> str:
    """Give the one SELECT that a query is; raises ConfigError for anything else."""
    from duckdb import StatementType

    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type != StatementType.SELECT:
        raise ConfigError("rows.query: must be one SELECT")
    return statements[0].query.rstrip().rstrip(";")


def _quieten(connection: Any) -> None:
    connection.execute("SET python_enable_replacements = false")  # no variable of Python's is a table
    connection.execute("SET enable_progress_bar = false")  # it would stand on stdout
    connection.execute("SET TimeZone = 'UTC'")


def _lock(connection: Any) -> None:
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


@contextmanager
def wrong(place: str) -> Iterator[None]:
    """Raise what DuckDB says as ConfigError."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise ConfigError(f"{place}: {reason(error)}") from None


@contextmanager
def failing(source: str) -> Iterator[None]:
    """Raise what DuckDB says in the middle of a reading as StorageError."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise StorageError(
            f"the source {source} failed: {reason(error)}. Run again once that is put right: the rows that "
            "were read are accounted for"
        ) from None


def reason(error: Exception) -> str:
    """Say in one line what DuckDB said; where it would quote a row its kind alone."""
    kind = type(error).__name__
    if kind == "OutOfMemoryException":
        return f"the query takes more than {SETTINGS['memory_limit']} of memory: sort, join or group less"
    said = str(error).strip().splitlines()
    return said[0] if kind in SPOKEN and said else kind
