"""`docmill up`: server, deployments and worker in one command, until it is interrupted."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from docmill.flows.cli.deployments import DECLARED, DeploymentsFile, switched_off
from docmill.flows.cli.output import console
from docmill.flows.observe.observer import GRACE_S
from docmill.flows.server.launch import launch
from docmill.flows.server.own import end
from docmill.schemas.errors import ConfigError, DocmillError

POOL = "docmill"
PROC = Path("/proc")
POLL_S = 0.2
SETTLE_S = GRACE_S + 2
END_TIMEOUT_S = 3.0
PREFECT = (sys.executable, "-m", "prefect", "--no-prompt")
Print = Callable[[str], None]

Port = Annotated[
    int | None,
    Parameter(
        validator=Number(gte=1, lte=65535),
        help="Where docmill's own server listens; default: where it did before, else a free port",
    ),
]


def up(*, port: Port = None, file: DeploymentsFile = DECLARED) -> int:
    """Serve the Prefect UI, register the deployments of prefect.yaml, and run what is due.

    Ctrl-C ends all of it: runs under way are stopped as by a Ctrl-C of their own.
    """
    if not file.is_file():
        raise ConfigError(
            f"there is no {file} in {Path.cwd()}: `docmill init` makes one; --file names another"
        )
    off = switched_off(file)
    out = console()

    def told(message: str) -> None:
        out.print(message, markup=False, soft_wrap=True)

    launched = launch(told, port=port)
    try:
        launched.wait()
        _deploy(file, told)
        if off:
            told(
                f"switched off: {', '.join(off)}; to switch one on write `active: true` at its schedule, or "
                f"`enabled: true` at its trigger, in {file}, and start `docmill up` anew"
            )
        if launched.own:
            asyncio.run(_put_back())
        asyncio.run(_work(launched.api_url, told))
    finally:
        launched.release()
        if launched.own:
            with suppress(ConfigError):  # others use it: it ends after the last of them
                end(launched.directory)
    return 0


def _deploy(file: Path, told: Print) -> None:
    told(f"registering the deployments of {file}")
    deploy = [*PREFECT, "deploy", "--all", "--prefect-file", str(file)]
    pool = [*PREFECT, "work-pool", "create", POOL, "--type", "process"]
    known = _run([*PREFECT, "work-pool", "inspect", POOL]).returncode == 0
    for command in [deploy] if known else [pool, deploy]:
        done = _run(command)
        if done.returncode != 0:
            raise ConfigError(f"`prefect {' '.join(command[4:])}` failed:\n{done.stdout.strip()}")


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    here = {**os.environ, "PWD": str(Path.cwd())}  # where the deployments' flows will run
    return subprocess.run(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=here, check=False
    )


async def _put_back() -> None:
    """Schedule again what an earlier worker took up and never began: no worker would look at it."""
    from prefect.client.orchestration import get_client
    from prefect.states import Scheduled

    pending = {
        "flow_runs": {"state": {"type": {"any_": ["PENDING"]}}},
        "work_pools": {"name": {"any_": [POOL]}},
    }
    async with get_client() as client:
        for flow_run in (await client.request("POST", "/flow_runs/filter", json=pending)).json():
            await client.set_flow_run_state(flow_run["id"], Scheduled(), force=True)


async def _work(api_url: str, told: Print) -> None:
    """Keep a worker until a signal comes; it is told after its flow runs, which it would kill."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    command = [*PREFECT, "worker", "start", "--pool", POOL, "--type", "process"]
    environment = {"PREFECT_WORKER_QUERY_SECONDS": "2", **os.environ}
    worker = await asyncio.create_subprocess_exec(*command, start_new_session=True, env=environment)
    ended = asyncio.create_task(worker.wait())
    told(f"in another terminal: export PREFECT_API_URL={api_url}")
    page = f"{api_url.removesuffix('/api')}/deployments"
    told(f"open {page}; press Ctrl-C to end the server, the worker and its runs")
    await asyncio.wait({ended, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
    if ended.done():
        raise DocmillError(f"the worker ended by itself, with exit code {worker.returncode}")
    told("stopping: calls in flight get 10 s; a second Ctrl-C ends them at once")
    stop.clear()
    await _stop_runs(worker.pid, stop)
    worker.terminate()
    _signal({worker.pid}, signal.SIGCONT)
    await asyncio.wait({ended}, timeout=END_TIMEOUT_S)
    if not ended.done():
        _signal({*_children(worker.pid), worker.pid}, signal.SIGKILL)


async def _stop_runs(worker: int, again: asyncio.Event) -> None:
    """Stop a worker's flow runs as a Ctrl-C stops one, and wait for them; a second signal hurries them.

    The worker is held meanwhile: it would take up the next ones, and kill them as it ends.
    """
    _signal({worker}, signal.SIGSTOP)
    give_up = asyncio.get_running_loop().time() + SETTLE_S
    runs = set(_children(worker))
    _signal(runs, signal.SIGTERM)
    while (runs := runs & set(_children(worker))) and asyncio.get_running_loop().time() < give_up:
        if again.is_set():
            again.clear()
            _signal(runs, signal.SIGTERM)
        await asyncio.sleep(POLL_S)


def _children(pid: int) -> list[int]:
    """List a process's children that have not ended: from /proc where there is one, as some have no `ps`."""
    if PROC.is_dir():
        return [int(status.parent.name) for status in PROC.glob("[0-9]*/stat") if _parent(status) == pid]
    command = ["ps", "-A", "-o", "pid=,ppid=,stat="]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    rows = [line.split() for line in listed.stdout.splitlines()]
    return [int(child) for child, parent, state in rows if int(parent) == pid and state[0] != "Z"]


def _parent(status: Path) -> int | None:
    """Read a process's parent; None where it has ended, also where that is not taken note of yet."""
    with suppress(OSError):
        told = status.read_text().rpartition(")")[2].split()  # its name may hold blanks and brackets
        return int(told[1]) if told[0] != "Z" else None
    return None


def _signal(pids: set[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
