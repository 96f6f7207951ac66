"""What a child process may use: the kernel holds it to that, whatever becomes of its own code."""

import os
import resource
import select
import signal
import sys
import threading

IDLE_S = 60
MAX_FILES = 64
WATCHER_STACK_BYTES = 128 * 1024
# The runtime of the models would tell Microsoft how it is used, from its first import on.
SILENT = {"ORT_DISABLE_TELEMETRY": "1"}


def restrict(memory_mb: int) -> None:
    """Take memory and files away for good, and end with the parent."""
    # On macOS the kernel takes a limit of the address space, or refuses it, and holds nobody to it.
    if sys.platform != "darwin":
        resource.setrlimit(resource.RLIMIT_AS, (memory_mb * 2**20,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core holds the document
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_FILES,) * 2)
    threading.stack_size(WATCHER_STACK_BYTES)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def begin(wall_s: int) -> None:
    """Give the next document its time: by default, both signals end the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = int(used.ru_utime + used.ru_stime) + 1 + wall_s
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    signal.alarm(wall_s)


def rest() -> None:
    """Wait for the next document, but not for ever."""
    signal.alarm(IDLE_S)


def _end_with_parent() -> None:
    """Notice that standard input is closed, as the kernel does for a parent that was killed."""
    watched = select.poll()
    watched.register(sys.stdin.fileno(), 0)  # POLLHUP is always told
    watched.poll()
    os.kill(os.getpid(), signal.SIGKILL)
