"""`docmill up`: server, deployments and worker in one command, until it is interrupted."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from flows import server
from flows.cli.output import console
from flows.stopping import GRACE_S
from schemas.errors import ConfigError, DocmillError

DECLARED = Path("prefect.yaml")
POOL = "docmill"
POLL_S = 0.2
SETTLE_S = GRACE_S + 5
PREFECT = (sys.executable, "-m", "prefect", "--no-prompt")
Print = Callable[[str], None]


def up() -> int:
    """Serve the Prefect UI, register the deployments of prefect.yaml, and run what is due.

    Ctrl-C ends all of it: runs under way are stopped as by a Ctrl-C of their own.
    """
    if not DECLARED.is_file():
        raise ConfigError(f"there is no {DECLARED} in {Path.cwd()}: type `docmill up` in docmill's clone")
    out = console()

    def told(message: str) -> None:
        out.print(message, markup=False, soft_wrap=True)

    launched = server.launch(told)
    try:
        launched.wait()
        _deploy(told)
        asyncio.run(_work(launched.api_url.removesuffix("/api"), told))
    finally:
        launched.release()
    return 0


def _deploy(told: Print) -> None:
    told(f"registering the deployments of {DECLARED}")
    pool = [*PREFECT, "work-pool", "create", POOL, "--type", "process"]
    known = _run([*PREFECT, "work-pool", "inspect", POOL]).returncode == 0
    for command in [[*PREFECT, "deploy", "--all"]] if known else [pool, [*PREFECT, "deploy", "--all"]]:
        done = _run(command)
        if done.returncode != 0:
            raise ConfigError(f"`prefect {' '.join(command[4:])}` failed:\n{done.stdout.strip()}")


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    here = {**os.environ, "PWD": str(Path.cwd())}  # where the deployments' flows will run
    return subprocess.run(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=here, check=False
    )


async def _work(address: str, told: Print) -> None:
    """Keep a worker until a signal comes; it is told after its flow runs, which it would kill."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    command = [*PREFECT, "worker", "start", "--pool", POOL, "--type", "process"]
    environment = {"PREFECT_WORKER_QUERY_SECONDS": "2", **os.environ}
    worker = await asyncio.create_subprocess_exec(*command, start_new_session=True, env=environment)
    ended = asyncio.create_task(worker.wait())
    told(f"open {address}/deployments; press Ctrl-C to end the server, the worker and its runs")
    await asyncio.wait({ended, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
    if ended.done():
        raise DocmillError(f"the worker ended by itself, with exit code {worker.returncode}")
    told("stopping: calls in flight get 10 s; a second Ctrl-C ends them at once")
    stop.clear()
    await _stop_runs(worker.pid, stop)
    worker.terminate()
    await ended


async def _stop_runs(worker: int, again: asyncio.Event) -> None:
    """Stop a worker's flow runs as a Ctrl-C stops one, and wait for them; a second signal hurries them."""
    give_up = asyncio.get_running_loop().time() + SETTLE_S
    signalled: set[int] = set()
    hurried = False
    while (runs := _children(worker)) and asyncio.get_running_loop().time() < give_up:
        hurry = again.is_set() and not hurried
        for run in runs:
            if run not in signalled or hurry:
                _terminate(run)
        signalled |= set(runs)
        hurried = hurried or hurry
        await asyncio.sleep(POLL_S)


def _children(pid: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    pairs = [line.split() for line in listed.splitlines()]
    return [int(child) for child, parent in pairs if int(parent) == pid]


def _terminate(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
