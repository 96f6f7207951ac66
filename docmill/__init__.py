"""docmill: documents and table rows through LLM chat completions, as Prefect flows.

In a flow of your own, each call is one task run: cached, retried, checked, and paid for once.

    @prefect.flow
    async def digest(text: str) -> str:
        async with docmill.session(endpoint="302ai", model="claude-3-5-haiku-20241022"):
            return await docmill.summarize(text, max_words=60)

    async def main() -> None:
        async with docmill.server():
            print(await digest("…"))

docs/python.md is the guide. Importing docmill loads neither Prefect nor an HTTP library: each name is
loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docmill import testing
    from docmill.flows.api.completing import complete
    from docmill.flows.api.extracting import extract
    from docmill.flows.api.loading import load
    from docmill.flows.api.results import results
    from docmill.flows.api.session import session
    from docmill.flows.api.steps import ask, classify, summarize
    from docmill.flows.process import process
    from docmill.flows.server.launch import server
    from docmill.schemas.chat import Completion
    from docmill.schemas.endpoint import Endpoint
    from docmill.schemas.errors import (
        Blocked,
        ChatError,
        ConfigError,
        CutShort,
        Deadlock,
        Deferred,
        DocmillError,
        Fatal,
        InvalidReply,
        MaybeBilled,
        NoResults,
        OverBudget,
        Permanent,
        RateLimited,
        Refused,
        StorageError,
        Transient,
        Unreadable,
        Unserved,
    )
    from docmill.schemas.pipeline import Pipeline
    from docmill.schemas.record import Record

__version__ = "0.1.0"
__all__ = [
    "Blocked",
    "ChatError",
    "Completion",
    "ConfigError",
    "CutShort",
    "Deadlock",
    "Deferred",
    "DocmillError",
    "Endpoint",
    "Fatal",
    "InvalidReply",
    "MaybeBilled",
    "NoResults",
    "OverBudget",
    "Permanent",
    "Pipeline",
    "RateLimited",
    "Record",
    "Refused",
    "StorageError",
    "Transient",
    "Unreadable",
    "Unserved",
    "ask",
    "classify",
    "complete",
    "extract",
    "load",
    "process",
    "results",
    "server",
    "session",
    "summarize",
    "testing",
]
_HOMES = {
    "docmill.flows.api.completing": ("complete",),
    "docmill.flows.api.extracting": ("extract",),
    "docmill.flows.api.loading": ("load",),
    "docmill.flows.api.results": ("results",),
    "docmill.flows.api.session": ("session",),
    "docmill.flows.api.steps": ("ask", "classify", "summarize"),
    "docmill.flows.process": ("process",),
    "docmill.flows.server.launch": ("server",),
    "docmill.schemas.chat": ("Completion",),
    "docmill.schemas.endpoint": ("Endpoint",),
    "docmill.schemas.pipeline": ("Pipeline",),
    "docmill.schemas.record": ("Record",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:  # to a type checker it would be every name there is

    def __getattr__(name: str) -> Any:
        """Load a public name when it is first used (PEP 562); all others of the list are errors."""
        if name not in __all__:
            raise AttributeError(f"module 'docmill' has no attribute {name!r}")
        if name == "testing":
            return import_module("docmill.testing")
        value = getattr(import_module(_HOME.get(name, "docmill.schemas.errors")), name)
        globals()[name] = value
        return value
