"""`docmill up` as it ends: its runs first, then its worker, which takes no other up meanwhile."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from docmill.flows.cli import up
from tests.support.busy import BUSY, runs
from tests.support.processes import alive, eventually


@pytest.mark.parametrize("has_proc", [True, False], ids=["by /proc", "by ps"])
async def test_its_worker_takes_no_run_up_while_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_proc: bool
):
    monkeypatch.chdir(tmp_path)
    if not has_proc:
        monkeypatch.setattr(up, "PROC", tmp_path / "proc")
    command = [sys.executable, "-c", BUSY, "up", "--pool"]
    monkeypatch.setattr(up, "PREFECT", command)
    ending = asyncio.create_task(up._work("http://127.0.0.1:9/api", lambda _: None))
    assert await asyncio.to_thread(eventually, runs)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(ending, 10)
    assert len(runs()) == 1
    assert not alive(runs()[0])
