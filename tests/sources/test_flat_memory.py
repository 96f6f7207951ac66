"""The memory of a reading does not hang on how many rows there are: two sizes, in turn in one process."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

pytestmark = pytest.mark.slow
FEW, MANY = 30_000, 300_000
MOST_RATIO = 1.25  # for ten times the rows; measured: 1.14 and 1.10
URLS = {
    "parquet": ("parquet", '"files": "{size}.parquet"'),
    "sqlite": ("sqlite", '"url": "sqlite:///{size}.sqlite", "query": "select * from tickets"'),
}
# The kernel's own peak is set back before each reading.
READ = """
import json, sys
from pathlib import Path
from docmill.schemas.pipeline import Rows as Declared
from docmill.tasks.sources.rows import Rows

for keys in sys.argv[1:]:
    Path("/proc/self/clear_refs").write_text("5")
    declared = {**json.loads("{" + keys + "}"), "key": "id", "text": "{{ body }}"}
    with Rows(Declared.model_validate(declared)).opened() as refs:
        count = sum(1 for ref in refs if ref.read().text)
    status = Path("/proc/self/status").read_text().splitlines()
    print(count, next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM")))
"""


def write(kind: str, size: int) -> None:
    """Write a table of so many rows of 700 bytes."""
    rows = f"select range as id, repeat(range::varchar || ' ', 100) as body from range({size})"
    with duckdb.connect() as connection:
        if kind == "parquet":  # of which a group of rows is in memory, however large that is
            connection.execute(f"copy ({rows}) to '{size}.parquet' (row_group_size 5000)")
            return
        with closing(sqlite3.connect(f"{size}.sqlite")) as written, written:
            written.execute("create table tickets (id integer primary key, body text)")
            found = connection.execute(rows)
            while some := found.fetchmany(10_000):
                written.executemany("insert into tickets values (?, ?)", some)


@pytest.mark.parametrize(("kind", "keys"), URLS.values(), ids=URLS)
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the kernel's peak is Linux's")
def test_ten_times_the_rows_take_as_much_memory(
    kind: str, keys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for size in (FEW, MANY):
        write(kind, size)
    asked = [keys.replace("{size}", str(size)) for size in (FEW, FEW, MANY)]
    ended = subprocess.run([sys.executable, "-c", READ, *asked], capture_output=True, text=True, check=True)
    (_, _), (_, few), (count, many) = (map(int, line.split()) for line in ended.stdout.splitlines())
    print(f"{kind}: {few} MB for {FEW:,} rows, {many} MB for {MANY:,}")  # noqa: T201
    assert count == MANY
    assert many <= MOST_RATIO * few
