"""Several writers of the same documents at once: runs, a look for what is gone, and people who decide."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from random import Random

import pytest

from docmill.schemas.errors import ConfigError, Deadlock, StorageError
from docmill.schemas.outcome import Outcome
from docmill.schemas.pipeline import Gone, Into
from docmill.schemas.tool import ToolSchema
from docmill.tasks.sinks.database import again
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.gone import settle

PARAMETERS = {"type": "object", "properties": {"a": {"type": "integer"}}}
TOOL = ToolSchema(id="bill", name="bill", description="Bill.", parameters=PARAMETERS)
NAMES = [f"{letter}{number:03}" for number in range(150) for letter in "aBéZ "]


@pytest.fixture
def opened(database: str) -> Iterator[list[ReviewedResults]]:
    """Open the same results several times."""
    results = [ReviewedResults.open(Into(url=database), "p", {"bill": TOOL}) for _ in range(5)]
    yield results
    for each in results:
        each.close()


def writing(results: ReviewedResults, seed: int) -> None:
    """Write as a run does: many batches of documents that others write, too."""
    random = Random(seed)
    whole = {"uri": "u", "content_sha256": "c", "status": "done"}
    for batch in range(12):
        record = {"a": batch}
        own = [{"document_id": each, "record": record} for each in random.sample(NAMES, 300)]
        outcomes = [Outcome.model_validate({**whole, **each, "typed": {"bill": record}}) for each in own]
        results.write(outcomes, f"r{seed}", "s")


def settling(results: ReviewedResults, gone: Gone) -> None:
    """Find now these documents gone, now others."""
    for turn in range(25):
        there = {each for number, each in enumerate(NAMES) if (number + turn) % 3 == 0}
        settle(results, gone, there.__contains__, datetime.now(UTC))


def deciding(results: ReviewedResults, seed: int) -> None:
    """Hold some documents, as who decides about them does."""
    for turn in range(20):
        names = sorted(Random(seed + turn).sample(NAMES, 20))
        again(partial(holding, results, names))


def holding(results: ReviewedResults, names: list[str]) -> None:
    with results.deciding() as transaction:
        for each in names:
            with suppress(ConfigError):  # it is not there yet, or no more
                transaction.outcome(each)


@pytest.mark.slow
def test_writers_of_the_same_documents_end_well(opened: list[ReviewedResults]):
    jobs: list[Callable[[], None]] = [
        lambda: writing(opened[0], 1),
        lambda: writing(opened[1], 2),
        lambda: settling(opened[2], "mark"),
        lambda: settling(opened[3], "remove"),
        lambda: deciding(opened[4], 3),
    ]
    with ThreadPoolExecutor(len(jobs)) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()


def test_a_deadlock_that_comes_again_and_again_is_a_failure_of_the_database():
    tried: list[int] = []

    def ended() -> None:
        tried.append(1)
        raise Deadlock("deadlock detected")

    with pytest.raises(StorageError, match="deadlock detected") as raised:
        again(ended)
    assert type(raised.value) is StorageError
    assert len(tried) == 6
