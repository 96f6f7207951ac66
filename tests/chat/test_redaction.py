"""The key in whatever form a server sends it back: nothing that is kept holds it."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.tasks.chat.redaction import Redaction, Told, redaction_of
from tests.support.connection import Request
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import completion, error, written

KEY = "sk-" + "canary/Of+the_redaction-1?>~"  # in two pieces: no file may hold a key
Form = Callable[[str], str]


def escaped(key: str) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in key)


FORMS: dict[str, Form] = {
    "plain": str,
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of a header": lambda key: base64.b64encode(f"Authorization: Bearer {key}\r\n".encode()).decode(),
    "base64 behind one byte": lambda key: base64.b64encode(f"a{key}b".encode()).decode(),
    "base64 behind two bytes": lambda key: base64.b64encode(f"ab{key}bc".encode()).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(f"ab{key}".encode()).decode().rstrip("="),
    "base64 in JSON": lambda key: base64.b64encode(f"u:{key}".encode()).decode().replace("/", "\\/"),
    "percent-encoded": lambda key: quote(key, safe=""),
    "percent-encoded in small letters": lambda key: "".join(f"%{ord(char):02x}" for char in key),
    "percent-encoded twice": lambda key: quote(quote(key, safe="")),
    "JSON's escapes": escaped,
    "JSON's escapes in capitals": lambda key: escaped(key).upper().replace("\\U", "\\u"),
    "escaped slashes": lambda key: key.replace("/", "\\/"),
    "JSON within JSON": lambda key: json.dumps(json.dumps({"a": escaped(key)})),
    "escaped here and there": lambda key: escaped(key[:5]) + key[5:9] + quote(key[9:], safe=""),
    "hexadecimal": lambda key: key.encode().hex(),
    "hexadecimal in capitals": lambda key: key.encode().hex(":").upper(),
    "bytes as Python writes them": lambda key: "".join(f"\\x{ord(char):02x}" for char in key),
    "HTML": lambda key: "".join(f"&#{ord(char)};" for char in key),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("key: ", "."), ("=", "=")])
def test_it_is_found_in_every_form(form: str, before: str, after: str):
    found = Redaction(KEY).text(before + FORMS[form](KEY) + after)
    assert "[key]" in found
    for other in FORMS.values():
        assert other(KEY)[6:-6] not in found


@given(st.text(), st.sampled_from(sorted(FORMS)), st.text())
def test_json_stays_json(before: str, form: str, after: str):
    said = json.dumps({"a": before + FORMS[form](KEY) + after, "b": 1}).encode()
    assert json.loads(Redaction(KEY).reply(said))["b"] == 1


@given(st.text())
def test_what_does_not_hold_it_stays(text: str):
    assert Redaction(KEY).text(text) == text


@pytest.mark.parametrize("key", ["none", "EMPTY", "ollama", "not-needed", "123456789012"])
def test_a_word_that_stands_for_a_key_stays_in_good_replies(key: str):
    redaction = redaction_of(key)
    assert redaction.reply(f"there is {key} of it".encode()) == f"there is {key} of it".encode()
    assert redaction.error(f"wrong key {key}") == "wrong key [key]"


@pytest.mark.parametrize("size", range(1, 9))
def test_a_stream_is_told_without_a_key_that_comes_in_pieces(size: int):
    told: list[str] = []
    shown = Told(Redaction(KEY), told.append)
    text = f"The key is {KEY}, they say: 钥匙{KEY}钥匙"
    for begin in range(0, len(text), size):
        shown.take(text[begin : begin + size])
    assert told
    shown.end()
    assert "".join(told) == "The key is [key], they say: 钥匙[key]钥匙"


def test_a_text_without_blanks_is_told_while_it_comes():
    told: list[str] = []
    shown = Told(Redaction(KEY), told.append)
    for _ in range(20):
        shown.take("x" * 1000)
    assert sum(map(len, told)) > 15_000


def test_sixteen_megabytes_take_a_moment():
    """Of half matches, too, of which a backtracking search would make hours."""
    for body in (b"x" * 16_000_000, KEY[:-1].encode() * 500_000, b"\\" * 16_000_000, b"37:" * 5_000_000):
        begun = time.monotonic()
        assert Redaction(KEY).reply(body) == body
        assert time.monotonic() - begun < 4


SUMMARIZE = "  - summarize:\n  - extract: {schema: thing}\n"


def _keyed(project: Project, provider: Provider) -> str:
    project.documents(a="text")
    endpoint = f"{{base_url: {provider.url}, api_key_env: DOCMILL_ECHO_KEY}}"
    return str(project.pipeline(endpoint, SUMMARIZE))


def _kept(*folders: Path) -> bytes:
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert files
    return b"\0".join(file.read_bytes() for file in files)


def _assert_without(kept: bytes):
    for form in FORMS.values():
        assert form(KEY)[6:-6].encode() not in kept


@pytest.mark.usefixtures("prefect_api")
def test_a_good_reply_that_holds_it_is_kept_without(
    project: Project,
    provider: Provider,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("DOCMILL_ECHO_KEY", KEY)
    echo = " ".join(form(KEY) for form in FORMS.values())

    def echoing(request: Request):
        if request.parsed.get("tools"):
            return written(completion(request, json.dumps({"name": echo, "on": "2026-01-01"})))
        return written(completion(request, f"All of them: {echo}"))

    provider.rule(echoing)
    assert project.run("run", _keyed(project, provider)) == 0
    [(summary, record)] = project.rows("select summary, record from docmill_outcomes")
    assert "[key]" in summary
    assert json.loads(record)["on"] == "2026-01-01"
    said = capfd.readouterr()
    _assert_without(_kept(project.root, cache) + f"{said.out}{said.err}{summary}{record}".encode())


@pytest.mark.usefixtures("prefect_api")
def test_nor_is_a_refusal_that_holds_it(
    project: Project,
    provider: Provider,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("DOCMILL_ECHO_KEY", KEY)
    pipeline = _keyed(project, provider)
    project.documents(**{f"d{number}": f"text {number}" for number in range(len(FORMS) - 1)})
    for form in FORMS.values():
        provider.script(error(400, f"not with {form(KEY)}", form(KEY), x_request_id=quote(KEY, safe="")))
    assert project.run("run", pipeline) == 1
    said = capfd.readouterr()
    errors = [row[0] for row in project.rows("select error from docmill_outcomes")]
    assert len(errors) == len(FORMS)
    assert all("[key]" in error for error in errors)
    _assert_without(_kept(project.root, cache) + f"{said.out}{said.err}".encode())
