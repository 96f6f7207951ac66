"""Summarize, classify and extract one document in plain Prefect, without the engine.

`python -m docmill.flows.example FILE` asks the model DOCMILL_MODEL at DOCMILL_BASE_URL.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.utilities.annotations import opaque, quote

from docmill.flows.server.launch import server
from docmill.schemas.chat import Completion
from docmill.schemas.pipeline import Classify, Extract, Label, Summarize
from docmill.tasks.chat.complete import complete
from docmill.tasks.chat.environment import environment_target
from docmill.tasks.checks.toolschema import load
from docmill.tasks.steps import classify, extract, summarize

LABELS = Classify(labels={"invoice": Label(description="a request for payment"), "other": Label()})
INVOICE = load(Path("schemas/tools/invoice.json"))
RECORD = Extract(schema="invoice")


@flow
async def digest(file: Path) -> dict[str, Any]:
    """Give a file's summary, label and record."""
    text, target = file.read_text(), environment_target()

    async def ask(step: str, body: bytes, *before: Any) -> Any:
        edges = [opaque(state) for state in before]
        return await complete(  # type: ignore[misc]
            quote(body), step=step, document=file.name, return_state=True, wait_for=edges
        )

    summarized = await ask("summarize", summarize.KIND.request(text, Summarize(), None, target))
    classified = await ask(
        "classify", classify.KIND.request(text, LABELS, classify.KIND.tool(LABELS, None), target), summarized
    )
    extracted = await ask("extract", extract.KIND.request(text, RECORD, INVOICE, target), classified)
    states = (summarized, classified, extracted)
    summary, label, record = [Completion.model_validate_json(await state.result()) for state in states]
    return {
        "summary": summarize.KIND.read(summary, Summarize()),
        "label": classify.KIND.read(label, LABELS),
        "record": extract.KIND.read(record, RECORD),
    }


async def main() -> None:
    """Run the flow on docmill's Prefect server, or the configured one."""
    async with server():
        print(await digest(Path(sys.argv[1])))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
