"""Loads what a command needs without the garbage collector, which would find nothing there."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from docmill.flows.cli import output


@contextmanager
def loading() -> Iterator[None]:
    """Load modules while the block runs.

    They stay to the end, so that the collector need not look at them again, nor the interpreter as it ends,
    which takes half a second. In a process that is not docmill's own nothing is changed.
    """
    if not output.is_program:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
