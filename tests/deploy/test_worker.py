"""How an image and a unit end a worker: its runs end first, and it takes no other up meanwhile."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.busy import BUSY, runs
from tests.support.processes import alive, eventually

DEPLOY = Path(__file__).parents[2] / "deploy"
[UNIT] = re.findall(
    r"^ExecStop=/bin/sh -c '(.*)'$", (DEPLOY / "systemd/docmill-worker.service").read_text(), re.M
)


@pytest.fixture(autouse=True)
def _busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prefect").write_text(f"#!{sys.executable}\n{BUSY}")
    (tmp_path / "prefect").chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


@contextmanager
def ended(worker: subprocess.Popen[bytes]) -> Iterator[None]:
    """Wait for the end of a worker that the block asks to end; whatever becomes of it, nothing is left."""
    try:
        yield
        worker.wait(10)
    finally:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)


def test_the_images_worker_takes_no_run_up_while_it_ends():
    with subprocess.Popen([sys.executable, DEPLOY / "worker.py"], start_new_session=True) as worker:
        assert eventually(runs)
        with ended(worker):
            worker.terminate()
    assert not alive(runs()[0])
    assert len(runs()) == 1


def test_the_units_worker_takes_no_run_up_while_it_ends():
    with subprocess.Popen(["prefect"], start_new_session=True) as worker:
        assert eventually(runs)
        with ended(worker):
            subprocess.run(["sh", "-c", UNIT.replace("$MAINPID", str(worker.pid))], check=True, timeout=10)
            worker.send_signal(signal.SIGTERM)
            worker.send_signal(signal.SIGCONT)  # as systemd does
    assert not alive(runs()[0])
    assert len(runs()) == 1
