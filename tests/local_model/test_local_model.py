"""The embedded model: real weights, served on loopback, and gone when its run is."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from docmill.schemas.errors import ConfigError
from docmill.tasks.local_model.serving import keep, serving, started
from docmill.tasks.local_model.weights import identity, weights
from tests.support.processes import alive, children_of, environment_of, eventually

BODY = {
    "messages": [{"role": "user", "content": "Name a color."}],
    "max_tokens": 30,
    "temperature": 0,
    "response_format": {
        "type": "json_schema",
        "json_schema": {
            "name": "color",
            "schema": {
                "type": "object",
                "properties": {"color": {"enum": ["red", "blue"]}},
                "required": ["color"],
                "additionalProperties": False,
            },
        },
    },
}


def test_its_identity_is_the_hash_of_its_weights():
    assert weights().stat().st_size == 98_362_432
    assert identity().startswith("local/")
    assert len(identity()) == len("local/") + 64


async def test_it_answers_with_json_that_satisfies_the_schema(tmp_path: Path):
    async with serving(tmp_path, print, print) as served, httpx.AsyncClient(timeout=60) as client:
        headers = {"Authorization": f"Bearer {served.token}"}
        reply = await client.post(f"{served.base_url}/chat/completions", json=BODY, headers=headers)
    answer = json.loads(reply.json()["choices"][0]["message"]["content"])
    assert answer["color"] in ("red", "blue")


@pytest.mark.slow
async def test_a_page_in_the_browser_gets_no_answer(tmp_path: Path):
    """Every site may send a request to loopback, but none knows the token."""
    async with started(tmp_path, print, print) as served, httpx.AsyncClient(timeout=60) as client:
        refused = await client.post(f"{served.base_url}/chat/completions", json=BODY)
    assert refused.status_code == 401


@pytest.mark.slow
async def test_its_process_knows_no_key_and_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    secrets = {"DOCMILL_API_KEY": "sk-none", "PGPASSWORD": "pw", "DOCMILL_INTO": "postgresql://u:pw@h/d"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    before = set(children_of(os.getpid()))
    async with started(tmp_path, print, print):
        [child] = set(children_of(os.getpid())) - before
        environment = environment_of(child)
    assert environment["PATH"] == os.environ["PATH"]
    assert not secrets.keys() & environment.keys()
    assert not [name for name in environment if name.startswith("DOCMILL_")]


@pytest.mark.slow
async def test_a_kept_model_is_joined(tmp_path: Path):
    said: list[str] = []
    async with keep(tmp_path, print, print) as kept, serving(tmp_path, said.append, print) as joined:
        assert joined == kept
        assert stat.S_IMODE((tmp_path / "local-model.json").stat().st_mode) == 0o600
        with pytest.raises(ConfigError, match="kept already"):
            async with keep(tmp_path, print, print):
                pass
    assert "keeps at" in said[0]
    assert not (tmp_path / "local-model.json").exists()


@pytest.mark.slow
def test_the_command_keeps_it_until_it_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    command = [sys.executable, "-m", "docmill", "local"]
    kept = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert kept.stdout is not None
    assert "starting the local model" in kept.stdout.readline()
    assert "the local model listens at http://127.0.0.1:" in kept.stdout.readline()
    child = _child_of(kept.pid)
    os.killpg(kept.pid, signal.SIGINT)
    assert kept.wait(20) == 0
    assert eventually(lambda: not alive(child), 5)
    assert not (tmp_path / "local-model.json").exists()


@pytest.mark.slow
async def test_a_stale_note_of_a_kept_model_is_not_believed(tmp_path: Path):
    (tmp_path / "local-model.json").write_text('{"base_url": "http://127.0.0.1:9/v1", "token": "x"}')
    async with serving(tmp_path, print, print) as served:
        assert served.base_url != "http://127.0.0.1:9/v1"


HOLDER = """
import asyncio, sys
from pathlib import Path
from docmill.tasks.local_model.serving import started
async def main():
    async with started(Path(sys.argv[1]), id, id):
        print("up", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


def _child_of(pid: int) -> int:
    [children] = [Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return int(children[0])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.slow
def test_it_ends_when_its_run_is_killed(tmp_path: Path, number: int):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"up\n"
    child = _child_of(holder.pid)
    assert os.getsid(child) == child  # a Ctrl-C in the run's terminal does not reach it
    holder.send_signal(number)
    holder.communicate()
    assert eventually(lambda: not alive(child), 5)


async def test_a_model_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "bad.gguf").write_bytes(b"no model")
    monkeypatch.setattr("docmill.tasks.local_model.serving.weights", lambda: tmp_path / "bad.gguf")
    with pytest.raises(ConfigError, match=r"did not start: see .*local-model\.log"):
        await started(tmp_path, print, print).__aenter__()
