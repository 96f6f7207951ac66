"""What the operating system says of processes: who lives, and whose child it was."""

import os
import time
from collections.abc import Callable
from pathlib import Path

LONGEST_PAUSE_S = 0.2


def alive(pid: int) -> bool:
    """Say whether a process lives; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return not Path("/proc").is_dir()
    return state != "Z"


def with_argument(text: str) -> list[int]:
    """List the processes that have this text in their command line."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                command = (folder / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if text in command:
                found.append(int(folder.name))
    return found


def children_of(pid: int) -> list[int]:
    """List the processes that a process has started and that live."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def environment_of(pid: int) -> dict[str, str]:
    """Give the environment that a process was started with."""
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def eventually(condition: Callable[[], object], within_s: float = 180.0) -> bool:
    """Say whether a condition becomes true in time; what is waited for is left the processor meanwhile."""
    give_up = time.monotonic() + within_s
    pause_s = 0.05
    while time.monotonic() < give_up:
        if condition():
            return True
        time.sleep(pause_s)
        pause_s = min(LONGEST_PAUSE_S, pause_s * 1.2)
    return False
