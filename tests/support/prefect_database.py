"""The empty database of a Prefect server, made once a version: its migrations take as long as its start."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from fcntl import LOCK_EX, flock
from importlib.metadata import version
from pathlib import Path

KEPT = Path(__file__).parents[2] / ".pytest_cache" / f"prefect-{version('prefect')}.db"


def provide(home: Path) -> None:
    """Put an empty database into the home of a Prefect server that is to start, unless it has one."""
    home.mkdir(exist_ok=True)
    if (home / "prefect.db").exists():
        return
    KEPT.parent.mkdir(exist_ok=True)
    with KEPT.with_suffix(".lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not KEPT.exists():
            _make()
    shutil.copy(KEPT, home / "prefect.db")


def _make() -> None:
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
        subprocess.run(command, env={**os.environ, "PREFECT_HOME": home}, check=True, capture_output=True)
        made = KEPT.with_suffix(".new")
        made.unlink(missing_ok=True)
        with closing(sqlite3.connect(f"{home}/prefect.db")) as database:
            database.execute("VACUUM INTO ?", [str(made)])  # whole, whatever stands in its journal
        made.rename(KEPT)
