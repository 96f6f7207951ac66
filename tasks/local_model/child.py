"""The process that serves the embedded model: `python -m docmill.tasks.local_model.child WEIGHTS`.

It reads a token from its first line of input, prints its base URL, serves until it is told to end,
and ends itself when its input closes, which the kernel does for a parent that was killed.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from docmill.schemas.endpoint import LOCAL_MODEL

SLOTS = 2
THREADS = 2
CONTEXT_TOKENS = 8192  # of all slots together
PROMPT_CACHE_MIB = 256


def main() -> None:
    """Serve until the parent is gone or SIGTERM comes; the default action of SIGTERM is kept."""
    import xllamacpp

    token = sys.stdin.readline().strip()
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(Path(sys.argv[1]))
    parameters.model_alias = {LOCAL_MODEL}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [token]  # without one every page in the user's browser could ask it
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = SLOTS
    parameters.kv_unified = False
    parameters.cache_prompt = True
    parameters.cache_ram_mib = PROMPT_CACHE_MIB
    parameters.n_cache_reuse = 0
    parameters.cont_batching = True
    parameters.use_jinja = True
    parameters.ui = False
    parameters.n_gpu_layers = 0
    # One number for both: of two, each change from reading to writing starts the threads anew.
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = min(THREADS, os.cpu_count() or 1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    server = xllamacpp.Server(parameters)  # blocks until the weights are loaded
    sys.stdout.write(f"{server.listening_address}/v1\n")
    sys.stdout.flush()
    threading.Event().wait()


def _end_with_parent() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
