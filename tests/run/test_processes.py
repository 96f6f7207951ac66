"""Two runs at once on one cache: what is identical is paid for once."""

import pytest

from tests.flows.test_process import forty
from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = pytest.mark.usefixtures("prefect_api")


@pytest.mark.slow
@pytest.mark.parametrize("refresh", [[], ["--refresh"]])
def test_two_processes_pay_once(project: Project, provider: Provider, refresh: list[str]):
    """Shown by 2: the first answer is held until both runs have begun."""
    forty(project)
    pipeline = str(project.pipeline(provider.url))
    files = ["one.db", "two.db"]
    if refresh:  # what is there already is older than both runs
        assert project.run("run", pipeline, "--into", "sqlite:///zero.db") == 0
    before = len(provider.requests)
    provider.hold_until(lambda: all(project.runs(file) for file in files))
    runs = [project.begin("run", pipeline, "--into", f"sqlite:///{file}", *refresh) for file in files]
    printed = [run.communicate(timeout=100)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], printed
    bodies = provider.bodies()[before:]
    assert len(bodies) == len(set(bodies)) == 90
    for file in files:
        assert project.rows("select sum(done), sum(documents_in) from docmill_runs", file) == [(40, 40)]
    paid = [project.rows("select calls, cached_calls from docmill_runs", file)[0] for file in files]
    assert sum(calls for calls, _ in paid) == 90
    assert sum(calls + cached for calls, cached in paid) == 240
