"""Runs the embedded model's server: one kept by `docmill local` is joined, else one is started."""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from docmill.schemas.errors import ConfigError
from docmill.tasks.checks import children, regular
from docmill.tasks.local_model.weights import weights

STATE_FILE = "local-model.json"
LOG_FILE = "local-model.log"
START_TIMEOUT_S = 60.0
END_TIMEOUT_S = 2.0
LOOK_TIMEOUT_S = 2.0
Announce = Callable[[str], None]
Died = Callable[[str], None]  # told once, with the reason, where the model ends by itself


class Served(BaseModel):
    """Where the embedded model listens, and the token that its server wants."""

    model_config = ConfigDict(frozen=True)

    base_url: str
    token: str


@asynccontextmanager
async def serving(home: Path, announce: Announce, died: Died) -> AsyncIterator[Served]:
    """Join the home's kept model, or serve one of one's own until the block ends."""
    if kept := await _kept(home):
        announce(f"the local model is the one that `docmill local` keeps at {kept.base_url}")
        yield kept
        return
    async with started(home, announce, died) as served:
        yield served


@asynccontextmanager
async def keep(home: Path, announce: Announce, died: Died) -> AsyncIterator[Served]:
    """Serve the model for all runs of the home until the block ends.

    Raises ConfigError where another process keeps one there already.
    """
    if kept := await _kept(home):
        raise ConfigError(f"the local model is kept already, at {kept.base_url}: runs will use it")
    async with started(home, announce, died) as served:
        with _noted(home / STATE_FILE, served):
            yield served


# Threads that spin for long while they wait starve beside anything else on two cores.
WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"}


@asynccontextmanager
async def started(home: Path, announce: Announce, died: Died) -> AsyncIterator[Served]:
    """Serve the model in a child process, in a session of its own: a Ctrl-C does not reach it."""
    file = weights()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = home / LOG_FILE
    announce(f"starting the local model (log: {log})")
    token = secrets.token_urlsafe(24)
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "docmill.tasks.local_model.child",
            str(file),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            start_new_session=True,
            env=children.environment(children.MODEL, **WAITING),
        )
    watching: asyncio.Task[None] | None = None
    try:
        served = Served(base_url=await _address(child, token, log), token=token)
        watching = asyncio.create_task(_watch(child, lambda: died(f"the local model has ended: see {log}")))
        yield served
    finally:
        if watching:
            watching.cancel()
        await _end(child)


async def _watch(child: asyncio.subprocess.Process, died: Callable[[], None]) -> None:
    await child.wait()
    died()


async def _address(child: asyncio.subprocess.Process, token: str, log: Path) -> str:
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(f"{token}\n".encode())
        await child.stdin.drain()
        async with asyncio.timeout(START_TIMEOUT_S):
            line = await child.stdout.readline()
    except (OSError, TimeoutError):
        line = b""
    if not line:
        raise ConfigError(f"the local model did not start: see {log}")
    return line.decode().strip()


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.terminate()
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()
    # Close the pipe while the loop lives: its destructor would complain later.
    if child.stdin is not None:
        child.stdin.close()


async def _kept(home: Path) -> Served | None:
    """Give the kept model where its state file holds and its server accepts the token."""
    try:
        with regular.opened(home / STATE_FILE) as file:
            served = Served.model_validate_json(file.read())
        async with httpx.AsyncClient(timeout=LOOK_TIMEOUT_S, trust_env=False) as client:
            headers = {"Authorization": f"Bearer {served.token}"}
            reply = await client.get(f"{served.base_url}/models", headers=headers)
            return served if reply.status_code == 200 else None
    except (OSError, ValidationError, httpx.HTTPError):
        return None


@contextmanager
def _noted(file: Path, served: Served) -> Iterator[None]:
    part = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        json.dump(served.model_dump(), stream)
    part.rename(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
