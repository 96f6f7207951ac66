"""A stand-in for a model over the labelled samples, served on loopback: right, but for known mistakes.

How often it is wrong depends on what a request says, as with a model: labels without a description are
taken for others. `python -m tests.support.standin FOLDER --port N` serves it.
"""

import argparse
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from docmill.tasks.steps.classify import KEY
from docmill.tasks.steps.prompt import harmless
from tests.support.connection import Request
from tests.support.instances import instance
from tests.support.mistakes import Sample, mistaken, samples
from tests.support.provider import serving
from tests.support.shapes import Shape, completion, requested_schema, written

# What a label is taken for: where the request does not describe it, and where it does.
TAKEN_FOR: Mapping[str, tuple[str, float, float]] = {
    "delivery note": ("invoice", 0.4, 0.02),
    "receipt": ("invoice", 0.25, 0.02),
    "complaint": ("contract", 0.0, 0.07),
}
MISTAKES = {
    "leaves out one row": 0.06,
    "leaves out half of the rows": 0.03,
    "invents a date": 0.02,
    "takes another number for a sum": 0.02,
    "swaps two names or numbers": 0.02,
}


def answering(found: Sequence[Sample]) -> Callable[[Request], Shape | None]:
    """Answer requests of the labelled pipeline's steps."""
    texts = [(harmless(sample.document.text), sample) for sample in found]

    def rule(request: Request) -> Shape | None:
        if not request.path.endswith("/v1/chat/completions"):
            return None
        [sample] = [sample for text, sample in texts if text.startswith(request.document)]
        answer = json.dumps(_answer(request, sample), ensure_ascii=False)
        return written(completion(request, answer))

    return rule


def _answer(request: Request, sample: Sample) -> Any:
    schema, name = requested_schema(request), Path(sample.document.document_id).name
    if labels := schema["properties"].get(KEY, {}).get("enum"):
        return {KEY: _label(request, sample, labels, Random(f"label {name}"))}
    if set(schema["properties"]) != set(sample.record):
        return instance(schema)  # it was taken for another: what is asked for is not there
    if len(request.parsed["messages"]) > 2 and Random(name).random() < 0.7:
        return sample.record  # it was asked once more
    for mistake, share in MISTAKES.items():
        if Random(f"{mistake} {name}").random() < share:
            return mistaken(sample.record, mistake, name) or sample.record
    return sample.record


def _label(request: Request, sample: Sample, labels: Sequence[str], random: Random) -> str:
    other, bare, described = TAKEN_FOR.get(sample.label, (sample.label, 0.0, 0.0))
    told = re.search(rf"{sample.label}: \w", request.text.rpartition("</document>")[2]) is not None
    return other if random.random() < (described if told else bare) and other in labels else sample.label


def main() -> None:
    """Print the base URL and serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    with serving(options.port) as provider:
        provider.rule(answering(samples(options.folder)))
        print(provider.url, flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
