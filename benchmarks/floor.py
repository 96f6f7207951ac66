"""`python -m benchmarks.floor`: what a Prefect task run costs by itself, and what a server can leave out.

A task that only sleeps, with docmill's settings of the server and with one of its services left out, in turn.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bench import prefect
from benchmarks.processes import cpu_s

SETTLED_S = 12.0  # the recorder writes each second, the events are written each five
LEFT_OUT = {  # by the setting that is false then
    None: "as docmill sets it",
    "PREFECT_SERVER_EVENTS_STREAM_OUT_ENABLED": "no live feed",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "no triggers",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED": "no events kept",
}


def costs(runs: int, without: str | None) -> tuple[float, float, float]:
    """Give the CPU of a task run in the client and in the server, in ms, and its kB in Prefect's database."""
    before = dict(os.environ)
    os.environ.update({without: "false"} if without else {}, PREFECT_LOGGING_LEVEL="ERROR")
    try:
        with tempfile.TemporaryDirectory(prefix="docmill-floor-") as home, prefect(Path(home)) as servers:
            began, empty = sum(map(cpu_s, servers)), _size(Path(home))
            command = [sys.executable, "-m", "benchmarks.sleeping", str(runs)]
            client_s = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            time.sleep(SETTLED_S)
            server_s = (sum(map(cpu_s, servers)) - began) / runs
            return client_s * 1000, server_s * 1000, (_size(Path(home)) - empty) / runs / 1000
    finally:
        os.environ.clear()
        os.environ.update(before)


def main() -> None:
    """Print a table of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1500)
    parser.add_argument("--times", type=int, default=2)
    asked = parser.parse_args()
    print("| Prefect's server | client CPU a task run | server CPU a task run | its database |")  # noqa: T201
    print("| --- | --- | --- | --- |")  # noqa: T201
    for setting, name in list(LEFT_OUT.items()) * asked.times:
        client_ms, server_ms, kilobytes = costs(asked.runs, setting)
        told = f"{name} (`{setting}=false`)" if setting else name
        print(f"| {told} | {client_ms:.1f} ms | {server_ms:.1f} ms | {kilobytes:.1f} kB |", flush=True)  # noqa: T201


def _size(home: Path) -> int:
    return sum(file.stat().st_size for file in home.glob("*.db*"))


if __name__ == "__main__":
    main()
