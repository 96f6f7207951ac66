"""The key is nowhere: every file that a run leaves is searched for it, at DEBUG level, however it ends."""

import base64
import json
import logging
import os
import pickle
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import cloudpickle  # type: ignore[import-untyped]
import psycopg
import pytest
from prefect.client.schemas.objects import State

from tests.support.asking import ask, free, target
from tests.support.connection import Reply, Request
from tests.support.databases import fresh
from tests.support.prefect_database import provide
from tests.support.prefect_server import HOME
from tests.support.processes import eventually, with_argument
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.repository import files
from tests.support.shapes import SHAPES, Shape, error, finishing

MARK = "what the document says"
LOUD = """
import logging, os
from docmill.flows.cli import main
class Told(logging.Handler):  # no stream that Prefect, which sets logging up anew, could close
    def emit(self, record):
        with open(os.environ["LOUD"], "a") as file:
            file.write(f"{record.__dict__}\\n")
for name in ("httpx", "httpcore", "asyncio", "sqlalchemy"):
    logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger(name).addHandler(Told())
main()
"""


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set a key of this test's own; all temporary files of the test's processes lie below tmp_path."""
    key = f"sk-canary-{secrets.token_hex(12)}/+=%{secrets.token_hex(4)}"
    monkeypatch.setenv("DOCMILL_API_KEY", key)
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "DEBUG")
    monkeypatch.setenv("LOUD", str(tmp_path / "loud.log"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return key


def forms(key: str) -> set[bytes]:
    """Write a key as it may be found: as it stands, a part of it, escaped, or encoded."""
    texts = {key, key[10:22], key[22:34], quote(key), quote(key, safe=""), json.dumps(key)[1:-1]}
    written = {text.encode() for text in texts | {key.replace("/", "\\/")}}
    for shift in range(3):  # base64 looks different at each place within three bytes
        encoded = base64.b64encode(b"." * shift + key.encode())[4:-4]
        written |= {encoded, encoded.translate(bytes.maketrans(b"+/", b"-_"))}
    return written | {key.encode().hex().encode(), key.encode("utf-16-le")}


def _files(*folders: Path) -> Iterator[Path]:
    return (file for folder in folders for file in folder.rglob("*") if file.is_file())


def holding(sought: set[bytes], *folders: Path) -> list[Path]:
    """List the files below the folders that hold one of these."""
    return [file for file in _files(*folders) if any(form in file.read_bytes() for form in sought)]


def loud(*arguments: str) -> "subprocess.Popen[str]":
    """Begin `docmill` with every log at DEBUG level."""
    return subprocess.Popen(
        [sys.executable, "-c", LOUD, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def echo(request: Request) -> Reply:
    """Refuse, and show the header that came."""
    return error(401, f"Incorrect API key provided: {request.headers['authorization']}", "invalid_api_key")


ENDS: dict[str, tuple[Shape, int]] = {"success": ("ok", 0), "401": (echo, 3), "timeout": ("stall", 1)}


def dump(url: str) -> bytes:
    """Give every row of every table, under the table's name."""
    tables = "select quote_ident(tablename) from pg_tables where schemaname = 'public' order by 1"
    dumped = b""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for (table,) in connection.execute(tables).fetchall():
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as rows:
                dumped += table.encode() + b"\n" + b"".join(map(bytes, rows))
    return dumped


def _pipeline(project: Project, provider: Provider) -> str:
    project.documents(a=MARK, b=f"{MARK} too")
    endpoint = f"{{base_url: '{provider.url}', api_key_env: DOCMILL_API_KEY, timeout_s: 1}}"
    return str(project.pipeline(endpoint, "  - summarize:\n"))


def _ended(provider: Provider, pipeline: str, how: str, tmp_path: Path) -> None:
    """Run to this end, and keep what was printed."""
    before = len(provider.requests)
    if how == "kill":
        provider.always("stall")
        run = loud("run", pipeline, "--refresh")
        assert eventually(lambda: len(provider.requests) > before, 180)
        run.kill()
        printed, code = run.communicate()[0], -9
    else:
        shape, code = ENDS[how]
        provider.always(shape)
        run = loud("run", pipeline, "--refresh")
        printed = run.communicate(timeout=90)[0]
    (tmp_path / f"printed-{how}.log").write_text(printed)
    assert run.returncode == code, printed
    assert len(provider.requests) > before


def _logged(provider: Provider, folder: Path) -> bool:
    """Say whether the connection to the provider is in a log: what is searched for the key is there."""
    port = provider.url.rpartition(":")[2].removesuffix("/v1")
    return bool(holding({f"port={port}".encode()}, folder))


@pytest.mark.slow
@pytest.mark.parametrize("how", [*ENDS, "kill"])
def test_a_run_leaves_the_key_nowhere(
    project: Project, provider: Provider, prefect_api: str, canary: str, how: str, tmp_path: Path
):
    pipeline = _pipeline(project, provider)
    _ended(provider, pipeline, how, tmp_path)
    assert {request.headers["authorization"] for request in provider.requests} == {f"Bearer {canary}"}
    time.sleep(1)  # the server writes its events behind
    assert holding(forms(canary), tmp_path, Path(HOME)) == []
    assert _logged(provider, tmp_path)
    assert holding({pipeline.encode()}, Path(HOME))


@pytest.mark.slow
@pytest.mark.parametrize("how", [*ENDS, "kill"])
def test_a_cache_in_a_database_holds_no_key(
    project: Project,
    provider: Provider,
    prefect_api: str,
    postgres: str,
    canary: str,
    how: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """Nor do the results in one."""
    url = fresh(postgres)
    monkeypatch.setenv("DOCMILL_CACHE", url.replace("+psycopg", ""))
    monkeypatch.setenv("DOCMILL_INTO", url)
    pipeline = _pipeline(project, provider)
    _ended(provider, pipeline, how, tmp_path)
    dumped = dump(url)
    assert b"docmill__completions\n" in dumped
    assert b"in/a.txt" in dumped or how == "kill"
    assert not [form for form in forms(canary) if form in dumped]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_docmills_own_server_leaves_the_key_nowhere(
    project: Project, provider: Provider, canary: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The server is started with the environment of the run, which holds the key."""
    home = tmp_path / "home"
    provide(home)
    monkeypatch.setenv("PREFECT_HOME", str(home))
    monkeypatch.delenv("PREFECT_API_URL")
    pipeline = _pipeline(project, provider)
    for how in (*ENDS, "kill"):
        _ended(provider, pipeline, how, tmp_path)
    assert holding(forms(canary), tmp_path) == []
    assert _logged(provider, tmp_path)
    assert holding({pipeline.encode()}, home)
    assert eventually(lambda: not with_argument(str(home)))


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--json", "--stream"])
@pytest.mark.parametrize(("shape", "code"), [("ok", 0), (echo, 1), ("disconnect", 1)])
def test_a_request_by_hand_leaves_the_key_nowhere(
    project: Project, provider: Provider, canary: str, shape: Shape, code: int, option: str, tmp_path: Path
):
    (project.root / "r.json").write_bytes(free())
    provider.always(shape)
    sent = loud("chat", "r.json", "--endpoint", provider.url, option)
    (tmp_path / "printed.log").write_text(sent.communicate(timeout=60)[0])
    assert sent.returncode == code
    assert provider.requests[0].headers["authorization"] == f"Bearer {canary}"
    assert holding(forms(canary), tmp_path) == []
    assert _logged(provider, tmp_path)


BROKEN: dict[str, Shape] = {
    **{
        name: SHAPES[name]
        for name in ("disconnect", "stall", "html_page", "bad_request", "no_model", "empty")
    },
    "echo": echo,
    "limit": error(429, "Wait", retry_after="1000"),
    "length": finishing("length"),
}


@pytest.mark.parametrize("shape", BROKEN)
@pytest.mark.slow
async def test_no_error_holds_the_key_in_a_pickle(
    provider: Provider,
    prefect_api: str,
    cache: Path,
    canary: str,
    shape: str,
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.DEBUG)
    provider.always(BROKEN[shape])
    asked = await ask(target(provider.url, api_key_env="DOCMILL_API_KEY", timeout_s=0.5), free())
    [state], [raised] = asked.states, await asked.errors()
    assert isinstance(state, State)
    assert isinstance(raised, Exception)
    told = [pickle.dumps(raised), cloudpickle.dumps(state), repr(vars(raised)).encode()]
    told += [f"{record.__dict__}".encode() for record in caplog.records]
    assert not [form for form in forms(canary) for text in told if form in text]
    assert caplog.records


TEST_KEYS = {"sk-canary-of-the-chat-tests", "sk-canary-of-the-injections"}


def test_no_file_of_the_repository_holds_a_key():
    found = {key for file in files() for key in re.findall(rb"\bsk-[A-Za-z0-9_/+=-]{16,}", file.read_bytes())}
    assert {key.decode() for key in found} >= TEST_KEYS
    assert {key.decode() for key in found} <= TEST_KEYS


def test_a_key_is_found_in_all_its_forms(tmp_path: Path):
    key = "sk-" + "canary-of-this-test/+=%"
    for number, form in enumerate(forms(key)):
        (tmp_path / str(number)).write_bytes(os.urandom(100) + form + os.urandom(100))
    assert len(holding(forms(key), tmp_path)) == len(forms(key))
