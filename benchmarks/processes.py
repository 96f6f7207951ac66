"""Processes under measurement: what they cost in CPU, memory and time."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

TICKS = os.sysconf("SC_CLK_TCK")
SAMPLE_EVERY_S = 1.0


@dataclass
class Measured:
    """What a process has cost, what it printed, and samples of (progress, resident MB)."""

    cpu_s: float = 0.0
    peak_mb: float = 0.0
    printed: str = ""
    samples: list[tuple[int, float]] = field(default_factory=list)


class Provider:
    """A provider in a process of its own."""

    def __init__(self, delay_s: float, *, bodies: bool = False) -> None:
        command = [sys.executable, "-m", "benchmarks.provider", str(delay_s), *["--bodies"] * bodies]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def taken(self) -> dict[str, Any]:
        """Give what it has seen since the last time."""
        seen: dict[str, Any] = httpx.get(self.url.removesuffix("/v1") + "/stats", timeout=30).json()
        return seen


@contextmanager
def provider(delay_s: float, *, bodies: bool = False) -> Iterator[Provider]:
    """Serve while the block runs."""
    started = Provider(delay_s, bodies=bodies)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.communicate()


def measured(
    command: list[str], progress: Callable[[], int] | None = None, cwd: Path | None = None
) -> Measured:
    """Run a command to its end; raises CalledProcessError where it fails."""
    result = Measured()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, text=True)
    threading.Thread(target=_peak, args=(process, result), daemon=True).start()
    if progress:
        threading.Thread(target=_sample, args=(process, progress, result), daemon=True).start()
    out: list[str] = []
    errors = threading.Thread(target=lambda: out.append(process.stderr.read()))  # type: ignore[union-attr]
    errors.start()
    assert process.stdout is not None
    result.printed = process.stdout.read()
    errors.join()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, result.printed, "".join(out))
    result.cpu_s = usage.ru_utime + usage.ru_stime
    return result


def docmill(*arguments: str, progress: Callable[[], int] | None = None) -> tuple[dict[str, Any], Measured]:
    """Run `docmill run … --json`; gives the run's row and its cost."""
    command = [sys.executable, "-m", "docmill", "run", *arguments, "--json"]
    result = measured(command, progress)
    row: dict[str, Any] = json.loads(result.printed)
    return row, result


def cpu_s(pid: int) -> float:
    """Read how much CPU time a living process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _peak(process: "subprocess.Popen[str]", result: Measured) -> None:
    """Keep what the kernel calls the peak; ru_maxrss would be this process's where that is larger."""
    while (mb := _megabytes(process, "VmHWM")) is not None:
        result.peak_mb = mb
        time.sleep(0.1)


def _sample(process: "subprocess.Popen[str]", progress: Callable[[], int], result: Measured) -> None:
    while (mb := _megabytes(process, "VmRSS")) is not None:
        result.samples.append((progress(), mb))
        time.sleep(SAMPLE_EVERY_S)


def _megabytes(process: "subprocess.Popen[str]", what: str) -> float | None:
    """Read a figure of a process that lives; None of one that has ended."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith(what)), None)
    return int(found.split()[1]) / 1024 if found else None
