"""`make bench-peers`: docmill beside what people would use instead, in one run; prints a table each setting.

The same texts go to the same provider in a process of its own, one peer after the other. The tables of
docs/performance.md come from here.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Project, prefect, settle
from benchmarks.processes import Measured, Provider, cpu_s, docmill, measured, provider

ROOT = Path(__file__).parents[1]
BARE = ("httpx", "httpx2", "aiohttp", "openai")
TOOLS = ("task awaited", "task mapped", "pydantic-ai", "async-batch-llm", "accrue")
TWO_WORKERS = "docmill, two workers"
ONE_STEP = "steps: [summarize: {max_input_tokens: 1000000}]\n"
ROOMY = "endpoint: {{base_url: {url}, context_tokens: 1000000}}\n"  # whatever the size of a text
ON_PREFECT = {"task awaited", "task mapped", "pydantic-ai", "docmill", TWO_WORKERS}
SENTENCE = "The committee met on Tuesday and agreed to postpone the decision about the new depot. "


@dataclass(frozen=True)
class Setting:
    """How many calls of what size, how many at a time, and how long the provider takes for each."""

    calls: int
    kilobytes: int
    in_flight: int
    delay_s: float

    @property
    def name(self) -> str:
        """Name it, for files."""
        return f"s{self.calls}-{self.kilobytes}-{self.in_flight}-{self.delay_s:g}".replace(".", "-")


@dataclass(frozen=True)
class Result:
    """One peer's calls a second by the provider's clock, from the first request to the last reply.

    `cost` is that of its process, imports and all, `server_s` the CPU of Prefect's server where it uses one.
    """

    rate: float
    cost: Measured
    server_s: float | None
    most_in_flight: int


class Beside:
    """Runs peers in one setting over the same texts."""

    def __init__(self, project: Project, setting: Setting, servers: list[int], python: Path) -> None:
        self._project, self._setting, self._servers, self._python = project, setting, servers, python
        words = SENTENCE * (setting.kilobytes * 1000 // len(SENTENCE) + 1)
        texts = [f"Protocol {number}. {words}"[: setting.kilobytes * 1000] for number in range(setting.calls)]
        self._texts = project.root / "texts.json"
        self._texts.write_text(json.dumps(texts))
        self._folder = project.root / setting.name
        self._folder.mkdir()
        for number, text in enumerate(texts):
            (self._folder / f"{number:06}.txt").write_text(text)

    def run(self, peer: str, whom: Provider) -> Result:
        """Run a peer to its end."""
        before = sum(map(cpu_s, self._servers))
        cost = self._docmill(peer, whom) if peer.startswith("docmill") else self._peer(peer, whom)
        seen = whom.taken()
        assert seen["requests"] == self._setting.calls, seen["requests"]
        server_s = sum(map(cpu_s, self._servers)) - before
        of_server = server_s if peer in ON_PREFECT else None
        return Result(self._setting.calls / seen["seconds"], cost, of_server, seen["most_in_flight"])

    def _peer(self, peer: str, whom: Provider) -> Measured:
        module = "clients" if peer in BARE else "tools"
        work = (whom.url, str(self._texts), str(self._setting.in_flight))
        return measured([str(self._python), "-m", f"benchmarks.peers.{module}", peer, *work], cwd=ROOT)

    def _docmill(self, peer: str, whom: Provider) -> Measured:
        """Run docmill: in one process, or as two shards of as many calls in flight each."""
        two, name = peer == TWO_WORKERS, f"{self._setting.name}-{len(peer)}"
        self._project.cache(name)
        in_flight = self._setting.in_flight * (2 if two else 1)
        steps = ROOMY.format(url=whom.url) + ONE_STEP
        arguments = (self._project.pipeline(name, self._folder.name, steps, in_flight), "--model", "bench")
        if two:
            with workers(self._project.root):
                return docmill(*arguments, "--shards", "2")[1]
        row, cost = docmill(*arguments)
        settle(row)
        return cost


@contextmanager
def workers(directory: Path) -> Iterator[None]:
    """Run two process workers, which begin when there is something to do."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "docmill", "--type", "process"]
    one = [*command, "--limit", "1"]
    quiet = subprocess.DEVNULL
    started = [subprocess.Popen(one, cwd=directory, stdout=quiet, stderr=quiet) for _ in range(2)]
    try:
        yield
    finally:
        for each in started:
            each.terminate()
        for each in started:
            with suppress(
                subprocess.TimeoutExpired
            ):  # a shell that begins this in the background has it wait
                each.wait(20)
            each.kill()


def table(setting: Setting, results: dict[str, Result]) -> str:
    """Write one setting's results as a table of Markdown; ratios are to the best bare client."""
    best = max(results[peer].rate for peer in BARE if peer in results)
    lines = [
        f"{setting.calls} calls of {setting.kilobytes} KB, {setting.in_flight} in flight, "
        f"{setting.delay_s:g} s a call:",
        "",
        "| | calls/s | to the best bare | most in flight | client CPU a call | server CPU a call | peak |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [f"| {peer} | {_row(result, best, setting.calls)} |" for peer, result in results.items()]
    return "\n".join(lines) + "\n"


def _row(result: Result, best: float, calls: int) -> str:
    server = "" if result.server_s is None else f"{1000 * result.server_s / calls:.1f} ms"
    own = f"{1000 * result.cost.cpu_s / calls:.1f} ms | {server} | {result.cost.peak_mb:.0f} MB"
    return f"{result.rate:.1f} | {result.rate / best:.2f} | {result.most_in_flight} | {own}"


def main() -> None:
    """Run the peers that were asked for in the settings that were."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", type=Path, default=ROOT / ".venv" / "peers" / "bin" / "python")
    parser.add_argument("--calls", type=int, default=600)
    parser.add_argument("--kilobytes", type=int, default=2)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--delay", type=float, default=0.5, help="seconds")
    parser.add_argument("--peers", nargs="*", default=[*BARE, *TOOLS, "docmill", TWO_WORKERS])
    asked = parser.parse_args()
    setting = Setting(asked.calls, asked.kilobytes, asked.in_flight, asked.delay)
    with tempfile.TemporaryDirectory(prefix="docmill-beside-") as folder:
        project = Project(Path(folder, "project"))
        with prefect(Path(folder, "home")) as servers, provider(setting.delay_s) as whom:
            # A server in a URL's host, as a run gives it to its shards.
            os.environ["DOCMILL_HOSTS"] = "127.0.0.1"
            beside = Beside(project, setting, servers, asked.python.absolute())
            results = {}
            for peer in asked.peers:
                results[peer] = beside.run(peer, whom)
                print(f"{peer}: {results[peer].rate:.1f} calls/s", file=sys.stderr, flush=True)  # noqa: T201
            print(table(setting, results))  # noqa: T201


if __name__ == "__main__":
    main()
