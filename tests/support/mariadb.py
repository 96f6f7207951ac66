"""Debian's MariaDB, served on loopback while a session runs."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from docmill.flows.server.own import free_port
from tests.support.processes import eventually

MISSING = "there is no MariaDB server: apt-get install mariadb-server-core"
NOBODY = "nobody"  # MariaDB refuses to run as root


@pytest.fixture(scope="session")
def mariadb() -> Iterator[str]:
    """Give the URL of an empty database."""
    server, install = shutil.which("mariadbd", path="/usr/sbin:/usr/bin"), shutil.which("mariadb-install-db")
    assert server, MISSING
    assert install, MISSING
    directory, port = Path(tempfile.mkdtemp(prefix="docmill-mariadb-")), free_port()
    user = [f"--user={NOBODY}"] if os.geteuid() == 0 else []
    data = directory / "data"
    options = ["--no-defaults", f"--datadir={data}", *user]
    if user:
        shutil.chown(directory, NOBODY)
    subprocess.run(
        [install, *options, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        capture_output=True,
    )
    socket = [f"--socket={directory}/s.sock", f"--pid-file={directory}/pid", "--bind-address=127.0.0.1"]
    process = subprocess.Popen(
        [server, *options, *socket, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"mysql+pymysql://root@127.0.0.1:{port}"
    try:
        assert eventually(lambda: _made(url))
        yield f"{url}/test?charset=utf8mb4"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(directory, ignore_errors=True)


def _made(url: str) -> bool:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE DATABASE IF NOT EXISTS test CHARACTER SET utf8mb4")
    except Exception:  # noqa: BLE001 - it is not there yet
        return False
    finally:
        engine.dispose()
    return True
