#!/usr/bin/env python3
"""A Prefect worker that ends its runs before itself; takes the options of `prefect worker start`.

On SIGTERM Prefect's own kills its runs within half a second, which leaves calls paid for and not kept. Here
each run ends by itself, calls in flight get ten seconds, and the worker goes after the last one. Linux alone.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path


def runs_of(worker: int) -> list[int]:
    """List the processes of a worker's flow runs."""
    threads = Path(f"/proc/{worker}/task").glob("*/children")
    return [int(pid) for children in threads for pid in children.read_text().split()]


def main() -> int:
    """Keep the worker until it ends, or until a signal ends it after its runs."""
    # What a process ignores its child ignores: in the background that is SIGINT, by which Prefect's ends.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    worker = subprocess.Popen(["prefect", "worker", "start", *sys.argv[1:]])  # noqa: S603, S607  on PATH

    def stop(*_: object) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_IGN)
        for run in runs_of(worker.pid):
            with suppress(ProcessLookupError):  # it has ended by itself
                os.kill(run, signal.SIGTERM)
        while runs_of(worker.pid):
            time.sleep(0.5)
        worker.terminate()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
    return worker.wait()


if __name__ == "__main__":
    sys.exit(main())
