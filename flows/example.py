"""Summarize, classify and extract one document in plain Prefect, without the engine.

`python -m docmill.flows.example FILE` asks the model DOCMILL_MODEL at DOCMILL_BASE_URL.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from prefect import flow

import docmill

LABELS = {"invoice": "a request for payment", "other": "anything else"}


@flow
async def digest(file: Path) -> dict[str, Any]:
    """Give a file's summary, its label, and of an invoice the record."""
    text, name = file.read_text(), file.name
    summary = await docmill.summarize(text, max_words=60, document=name)
    label = await docmill.classify(text, LABELS, document=name)
    if label != "invoice":
        return {"summary": summary, "label": label}
    record = await docmill.extract(text, schema="invoice", document=name)
    return {"summary": summary, "label": label, "record": record.value, "not in the text": record.missing}


async def main() -> None:
    """Run the flow on docmill's Prefect server, or the configured one."""
    async with docmill.server():
        print(await digest(Path(sys.argv[1])))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
