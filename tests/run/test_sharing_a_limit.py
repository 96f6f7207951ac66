"""Two runs in two processes share one limit of tokens a minute, by the provider's own count."""

from collections import Counter

import pytest

from tests.support.connection import Reply, Request
from tests.support.databases import fresh
from tests.support.enforcing import Enforcing
from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = [pytest.mark.usefixtures("prefect_api"), pytest.mark.slow]

LIMIT = 90_000
WINDOW_S = 10.0
# Of the limit's share of so short a window: a minute's holds with all that is made up for, and two runs that
# did not share would take twice as much.
ALLOWED = 1.25
MADE_UP_S = 1.5  # of the pace: a burst of 0.6 s, and how late the first and the last call may arrive
STEP = "  - summarize: {max_words: 20}\n"


def documents(project: Project, name: str, count: int, sentences: int) -> str:
    """Write a run's documents, and give its pipeline."""
    text = "It rained, and the river rose. " * sentences
    project.documents(**{f"{name}{number:03}": f"{name} {number}. {text}" for number in range(count)})
    return f"in/{name}*.txt"


class Counted(Enforcing):
    """Counts what it took by the run whose document it was."""

    def __init__(self, window_s: float, allowed: float) -> None:
        super().__init__(window_s, 10_000, int(allowed * LIMIT * window_s / 60))
        self.order: list[str] = []

    def __call__(self, request: Request) -> Reply:
        """Answer a request, or refuse it."""
        before = self.refused
        reply = super().__call__(request)
        if self.refused == before:
            self.order.append("alpha" if b"alpha " in request.body else "beta")
        return reply


@pytest.mark.parametrize("sentences", [(40, 40), (100, 20)], ids=["alike", "long and short"])
def test_two_processes_keep_below_the_limit_and_both_go_on(
    project: Project, provider: Provider, sentences: tuple[int, int]
):
    keeps_below_the_limit(project, provider, sentences)


def test_two_workers_that_share_a_database_alone_keep_below_the_limit(
    project: Project, provider: Provider, postgres: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCMILL_CACHE", fresh(postgres).replace("+psycopg", ""))
    keeps_below_the_limit(project, provider, (40, 40))


@pytest.mark.timeout(420)
def test_two_processes_keep_to_the_limit_itself_over_a_whole_minute(project: Project, provider: Provider):
    counted = keeps_below_the_limit(project, provider, (40, 40), count=150, counted=Counted(60.0, 1.0))
    (first, _), (last, _) = counted.taken[0], counted.taken[-1]
    assert last - first > 60


def keeps_below_the_limit(
    project: Project,
    provider: Provider,
    sentences: tuple[int, int],
    count: int = 40,
    counted: Counted | None = None,
) -> Counted:
    """Run two pipelines at once, and compare what the provider took with its limit."""
    counted = counted or Counted(WINDOW_S, ALLOWED)
    provider.rule(counted)
    files = ["alpha.db", "beta.db"]
    provider.hold_until(lambda: all(project.runs(file) for file in files))
    runs = []
    for name, each in zip(("alpha", "beta"), sentences, strict=True):
        source = documents(project, name, count, each)
        endpoint = f"{{base_url: {provider.url}, tokens_per_minute: {LIMIT}}}"
        file = project.pipeline(endpoint, STEP, documents=source, name=name)
        pipeline = file.rename(project.root / f"{name}.yaml")
        runs.append(project.begin("run", str(pipeline), "--into", f"sqlite:///{name}.db"))
    printed = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], printed
    assert all("held back by tokens a minute" in each for each in printed), printed
    assert counted.refused == 0
    assert Counter(counted.order) == {"alpha": count, "beta": count}
    (first, _), (last, _) = counted.taken[0], counted.taken[-1]
    assert sum(tokens for _, tokens in counted.taken[1:]) <= LIMIT * (last - first + MADE_UP_S) / 60
    both = max(counted.order.index(name) for name in ("alpha", "beta"))
    share = counted.order[both : both + 40].count("alpha") / 40
    assert 0.25 <= share <= 0.75
    return counted
