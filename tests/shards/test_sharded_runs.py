"""Runs whose documents shards do, on real workers of a real Prefect server."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docmill.schemas.shard import place, ranges
from tests.support.deploying import Site, deployed

pytestmark = pytest.mark.slow
SHARDS = "select shard, documents, attempt, state, counts from docmill__shards order by shard"


class Sharded:
    """A site whose pipeline `many` has forty documents, ten of which say the same."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.names = [f"d{number}" for number in range(40)]
        site.pipeline("many", *self.names)
        for name in self.names[:10]:
            (site.root / "many" / f"{name}.txt").write_text("The same text.")

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        """Begin `docmill run many` with these arguments."""
        command = [sys.executable, "-m", "docmill", "run", "many", *arguments]
        environment = {**self.site.environment, "PREFECT_API_URL": self.site.api}
        return subprocess.Popen(
            command,
            cwd=self.site.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        """Run it to its end; gives what it printed."""
        begun = self.begin(*arguments)
        printed = begun.communicate(timeout=300)[0]
        assert begun.returncode == 0, printed
        return printed

    def row(self) -> dict[str, Any]:
        """Give the last run's row."""
        columns = ("state", "documents_in", "done", "unchanged", "calls", "cached_calls", "shards")
        [*_, last] = self.site.rows(
            "many", f"select {','.join(columns)} from docmill_runs order by started_at"
        )
        return dict(zip(columns, last, strict=True))

    def shards(self) -> list[tuple[Any, ...]]:
        """Give the rows of the shards."""
        return self.site.rows("many", SHARDS)

    def processes(self) -> list[int]:
        """List the processes that do shards."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal():
                try:
                    environment = (folder / "environ").read_bytes()
                    command = (folder / "cmdline").read_bytes()
                except OSError:
                    continue
                if self.site.api.encode() in environment and b"PREFECT__FLOW_RUN_ID" in environment:
                    found += [int(folder.name)] if b"engine" in command or b"flow-run" in command else []
        return found


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Sharded]:
    with deployed(tmp_path) as site:
        yield Sharded(site)


def test_two_workers_do_four_shards_and_the_sums_are_those_of_one_run(many: Sharded):
    with many.site.working(), many.site.working():
        printed = many.run("--shards", "4")
    assert "40 done" in printed
    counts = {"documents_in": 40, "done": 40, "unchanged": 0, "calls": 31, "cached_calls": 9}
    assert many.row() == {"state": "complete", **counts, "shards": 4}
    assert len(many.site.provider.requests) == 31  # identical ones once, over all shards
    per_shard = Counter(
        next(shard for shard, (first, beyond) in enumerate(ranges(4), 1) if first <= place(each) < beyond)
        for each in (f"many/{name}.txt" for name in many.names)
    )
    assert [(row[0], row[1]) for row in many.shards()] == sorted(per_shard.items())
    assert all(row[2:4] == (1, "complete") for row in many.shards())
    assert many.site.rows("many", "select count(*) from docmill__work") == [(0,)]
    names = sorted(each["name"] for each in many.site.runs_of("many"))
    assert [name for name in names if " of " in name] == [f"many {number} of 4" for number in (1, 2, 3, 4)]
    [parent] = [each for each in many.site.runs_of("many") if " of " not in each["name"]]
    children = many.site.asked(
        "/flow_runs/filter", flow_runs={"parent_flow_run_id": {"any_": [parent["id"]]}}
    )
    assert len(children) == 4
    assert many.run("--shards", "4")
    assert many.row()["unchanged"] == 40
    assert many.row()["calls"] == 0
