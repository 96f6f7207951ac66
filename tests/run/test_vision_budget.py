"""A budget holds by the provider's own count where it is shown pictures, too."""

import json
from pathlib import Path

import pytest

from tests.support.connection import Reply, Request
from tests.support.counting import PRICES, Biller, said
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.scans import page, scanned
from tests.support.shapes import answered, written

pytestmark = [pytest.mark.usefixtures("prefect_api"), pytest.mark.slow]
DOCUMENTS = 5


def counting(tokens: int, request: Request) -> Reply:
    """Answer well, and count a token a byte of text, and so many a picture."""
    content = request.parsed["messages"][-1]["content"]
    pictures = sum(part["type"] == "image_url" for part in content)
    text = len(json.dumps([part for part in content if part["type"] != "image_url"]))
    reply = said(answered("ok", request))
    completion = request.parsed["max_tokens"]
    prompt = text + tokens * pictures
    counted = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return written({**reply, "usage": counted})


@pytest.mark.parametrize(
    ("tokens", "key", "budget"), [(2_400, "", 20), (37_000, ", picture_tokens: 37000", 130)]
)
def test_pictures_are_reserved_as_the_provider_counts_them(
    project: Project, provider: Provider, tokens: int, key: str, budget: int
):
    Path("in").mkdir()
    for number in range(DOCUMENTS):
        Path(f"in/{number}.pdf").write_bytes(scanned(page([f"Letter number {number}"], size=(3, 2))))
    biller = Biller(provider, lambda request: counting(tokens, request))
    endpoint = f"{{base_url: {provider.url}, vision: true, {PRICES}{key}, context_tokens: 200000}}"
    pipeline = project.pipeline(endpoint, "  - summarize: {max_words: 20}\n", documents="in/*")
    assert project.run("run", str(pipeline), "--max-cost", str(budget)) == 3
    assert 0 < biller.usd <= budget
    [(documents, done, deferred, cost)] = project.rows(
        "select documents_in, done, deferred, cost_usd from docmill_runs"
    )
    assert (documents, done + deferred) == (DOCUMENTS, DOCUMENTS)
    assert cost == pytest.approx(biller.usd)
