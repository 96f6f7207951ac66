"""Debian's PostgreSQL, served by an unprivileged user, and the settings of a Prefect server on it."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from docmill.flows.server.own import free_port

MISSING = "there is no PostgreSQL server below /usr/lib/postgresql: apt-get install postgresql"
NOBODY = "postgres"  # PostgreSQL refuses to run as root


@contextmanager
def debian_postgres() -> Iterator[str]:
    """Serve Debian's PostgreSQL on loopback while the block runs; gives host and port."""
    programs = sorted(server.parent for server in Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    assert programs, MISSING
    directory, port = Path(tempfile.mkdtemp(prefix="docmill-team-")), free_port()
    if os.geteuid() == 0:
        shutil.chown(directory, NOBODY)
    options = f"-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={directory}"
    data, control = directory / "data", programs[-1] / "pg_ctl"
    try:
        _as_nobody(programs[-1] / "initdb", "-D", data, "-A", "trust", "-U", "prefect", "-E", "UTF8")
        _as_nobody(control, "-D", data, "-w", "-l", directory / "log", "-o", options, "start")
        yield f"127.0.0.1:{port}"
    finally:
        _as_nobody(control, "-D", data, "-m", "immediate", "stop", check=False)
        shutil.rmtree(directory, ignore_errors=True)


def settings(postgres: str, redis_port: int) -> Mapping[str, str]:
    """Give what deploy/compose.yaml gives the server."""
    url = f"postgresql+asyncpg://prefect@{postgres}/postgres"
    return {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": url,
        "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
        "PREFECT_SERVER_EVENTS_MESSAGING_BROKER": "prefect_redis.messaging",
        "PREFECT_SERVER_EVENTS_MESSAGING_CACHE": "prefect_redis.messaging",
        "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "100",
        "PREFECT_REDIS_MESSAGING_URL": f"redis://127.0.0.1:{redis_port}/0",
        "PREFECT_SERVER_DOCKET_URL": f"redis://127.0.0.1:{redis_port}/1",
    }


def _as_nobody(*command: object, check: bool = True) -> None:
    words = list(map(str, command))
    whole = ["runuser", "-u", NOBODY, "--", *words] if os.geteuid() == 0 else words
    done = subprocess.run(whole, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/")
    assert not check or done.returncode == 0, f"{shlex.join(whole)}: {done.stderr}"
