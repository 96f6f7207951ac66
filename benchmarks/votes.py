"""`python -m benchmarks.votes`: what votes catch of a stand-in's known mistakes, and what they cost; a table.

The stand-in answers the labelled samples; one answer in ten has one of the mistakes of docs/evaluation.md.
Either each answer errs by itself, or half of the mistakes are the document's: every vote makes the same one,
as models do that misread a layout. Asked once more it is right in 70 % of cases. Four characters are a token.
What it shows is what votes do with mistakes of such a kind, not how often a model makes them.
"""

import asyncio
import json
import tempfile
from collections import Counter
from contextlib import chdir
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.counted import CHARS_A_TOKEN, Counted
from docmill.flows.pipeline.file import load
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.flows.run.failures import doubted
from docmill.flows.run.step import answered
from docmill.schemas.chat import AcceptedChoice, Completion
from docmill.tasks.checks.request import parsed
from tests.support.mistakes import MISTAKES, ROOT, Sample, make, mistaken, samples

RATE = 0.1  # of the answers that have a mistake
ASKED_AGAIN = 0.7  # of those that are right once they are asked once more
ROUNDS = 3  # each document is answered so often, with other mistakes
KINDS = tuple(name for name in MISTAKES if "type" not in name)  # what a schema refuses is repaired


@dataclass(kw_only=True)
class StandIn(Counted):
    """Answers with a sample's true record, or with a mistake in it."""

    sample: Sample
    shared: float
    round: int = 0

    def replied(self, body: bytes) -> Completion:
        """Answer a body as its seed says."""
        request = parsed(body)
        seeds = range(request["n"]) if "n" in request else [request.get("seed", 0)]
        is_again = len(request["messages"]) > 2
        first, *others = [self._choice(seed, is_again=is_again) for seed in seeds]
        self.tokens[1] += sum(len(each.text) for each in (first, *others)) // CHARS_A_TOKEN
        given = {"prompt_tokens": 0, "completion_tokens": 0, "others": tuple(others)}
        return Completion(id="", model="", **first.model_dump(), **given)

    def _choice(self, seed: int, *, is_again: bool) -> AcceptedChoice:
        name = f"{Path(self.sample.document.document_id).name} {self.round}"
        record = self._record(name, seed)
        if is_again and Random(f"again {name} {seed}").random() < ASKED_AGAIN:
            record = self.sample.record
        return AcceptedChoice(text=json.dumps(record, ensure_ascii=False), finish_reason="stop")

    def _record(self, name: str, seed: int) -> Any:
        for of, share in ((name, self.shared), (f"{name} {seed}", 1 - self.shared)):
            random = Random(f"errs {of}")
            if random.random() < RATE * share:
                kind = random.choice(KINDS)
                return mistaken(self.sample.record, kind, of) or self.sample.record
        return self.sample.record


def voting(sample: Sample, votes: int) -> Sample:
    """Give the sample's step so many votes."""
    options = sample.step.options.model_copy(update={"votes": votes if votes > 1 else None, "lists": "model"})
    return replace(sample, step=replace(sample.step, options=options))


async def measured(plan: Plan, found: list[Sample], votes: int, shared: float) -> list[str]:
    """Answer all samples with so many votes; gives a row of the table."""
    counts: Counter[tuple[bool, bool]] = Counter()
    calls, read, wrote = 0, 0, 0
    for sample, turn in product((voting(each, votes) for each in found), range(ROUNDS)):
        asked = StandIn(plan, sample.basis, sample.step, "m", sample=sample, shared=shared, round=turn)
        held = await answered(asked, sample.document.text, sample.tool)
        counts[held.record == sample.record, doubted(sample.step, held) is not None] += 1
        calls, read, wrote = calls + asked.calls, read + asked.tokens[0], wrote + asked.tokens[1]
    wrong, right = counts[False, False] + counts[False, True], counts[True, False] + counts[True, True]
    return [
        f"{wrong}",
        f"{counts[False, False]}",
        f"{counts[False, True]}",
        f"{counts[True, True]} ({counts[True, True] / right:.1%})",
        f"{calls:,}",
        f"{read:,}",
        f"{wrote:,}",
    ]


def tell(*cells: Any) -> None:
    """Print a row of a table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)  # noqa: T201


def main() -> None:
    """Print the table of docs/evaluation.md."""
    with chdir(ROOT), tempfile.TemporaryDirectory() as made:
        make(Path(made))
        found = samples(Path(made))
        plan = resolve(load(ROOT / "flows" / "pipelines" / "labelled.yaml"))
        mapped = plan.target.endpoint.model_copy(update={"choices": True})
        choices = replace(plan, target=plan.target.model_copy(update={"endpoint": mapped}))
        told = "calls", "tokens read", "tokens written"
        tell("mistakes", "votes", "wrong records", "done", "in review", "right ones in review", *told)
        for shared, name in ((0.0, "each answer's own"), (0.5, "half the document's")):
            for votes, how in ((1, plan), (3, plan), (3, choices), (5, plan)):
                label = f"{votes}, as choices" if how is choices else votes
                tell(name, label, *asyncio.run(measured(how, found, votes, shared)))


if __name__ == "__main__":
    main()
