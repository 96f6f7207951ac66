"""The children that parse: few, reused, replaced, without a key, and gone when nobody needs them."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.files import Files
from docmill.tasks.sources.parse import parsed
from docmill.tasks.sources.parsing import limits, pool, process, wire
from docmill.tasks.sources.parsing.reasons import Reason
from tests.support.bombs import BOMBS
from tests.support.documents import pdf, xlsx
from tests.support.processes import alive, eventually

ENDLESS = BOMBS["eml: a header of 10 MB"][1]()  # keeps a parser busy for as long as it may live
DEADLY = BOMBS["PDF: 1 GB in a page"][1]()
FORBIDDEN = ("prefect", "sqlalchemy", "httpx", "pydantic", "asyncio", "openai", "lxml")


@pytest.fixture(autouse=True)
def _anew():
    """No child of another test is left, and none of this one stays."""
    pool.close()
    yield
    pool.close()


def _children(of: int | None = None) -> list[int]:
    """List the parsers that a process has started."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if parent == (of or os.getpid()) and b"docmill.tasks.sources.parsing.child" in command:
                found.append(int(folder.name))
    return found


def _reason(content: bytes, name: str = "a.pdf") -> str:
    with pytest.raises(Unreadable) as raised:
        parsed(content, name)
    return str(raised.value)


def _begun(content: bytes, outcome: list[str]) -> threading.Thread:
    """Begin to read in a thread, and wait until a child is busy with it."""

    def read() -> None:
        try:
            outcome.append(parsed(content, "a.eml").text)
        except Unreadable as error:
            outcome.append(str(error))

    thread = threading.Thread(target=read)
    thread.start()
    assert eventually(lambda: [pid for pid in _children() if _cpu_s(pid) > 0.5])
    assert not outcome, "it was to take all its time"
    return thread


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_many_documents_at_once_share_few_children():
    with ThreadPoolExecutor(20) as threads:
        texts = list(threads.map(lambda n: parsed(pdf(f"document {n}"), "a.pdf").text, range(60)))
    assert texts == [f"document {n}" for n in range(60)]
    assert 1 <= len(_children()) <= pool.SIZE


def test_text_needs_no_child():
    assert parsed(b"plain", "a.txt").text == "plain"
    assert parsed(b"<html><p>page</p></html>", "a.html").text == "page"
    assert not _children()


def test_a_child_knows_no_key_and_is_no_part_of_the_terminals_session(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_API_KEY", "sk-canary")
    parsed(pdf("a"), "a.pdf")
    [child] = _children()
    environment = Path(f"/proc/{child}/environ").read_bytes()
    assert {pair.split(b"=")[0] for pair in environment.split(b"\0") if pair} <= {
        *(b"MALLOC_ARENA_MAX", b"OPENPYXL_LXML", b"LD_LIBRARY_PATH", b"LC_CTYPE")
    }
    assert os.getsid(child) == child


@pytest.mark.slow
def test_a_child_imports_neither_prefect_nor_a_client():
    program = f"""
        import sys
        from docmill.tasks.sources.parsing import child
        from docmill.tasks.sources.parsing.word import docx
        from docmill.tasks.sources.parsing.pdf import pdf
        from docmill.tasks.sources.parsing.excel import xlsx
        from docmill.tasks.sources.parsing.missed import Missed
        from tests.support.documents import docx as written, pdf as printed, xlsx as filled
        assert docx.text(written("a"), Missed())
        assert list(pdf.pages(printed("a"), Missed()))
        assert list(xlsx.sheets(filled({{"a": [["a"]]}}), Missed()))
        assert not [name for name in {FORBIDDEN} if name in sys.modules]
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=Path(__file__).parents[2], check=True
    )


def test_a_child_that_dies_costs_its_document_alone():
    assert parsed(pdf("before"), "a.pdf").text == "before"
    [first] = _children()
    assert _reason(DEADLY) == Reason.MEMORY
    assert parsed(pdf("after"), "a.pdf").text == "after"
    assert first not in _children()


def test_a_child_that_was_killed_between_two_documents_costs_none():
    assert parsed(pdf("before"), "a.pdf").text == "before"
    [first] = _children()
    os.kill(first, signal.SIGKILL)
    assert parsed(pdf("after"), "a.pdf").text == "after"


def test_what_kills_a_used_child_is_tried_in_a_fresh_one():
    """Whatever a child read before, the document's own content decides."""
    parsed(pdf("before"), "a.pdf")
    outcome: list[str] = []
    thread = _begun(ENDLESS, outcome)
    [first] = _children()
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: [pid for pid in _children() if pid != first])
    [second] = [pid for pid in _children() if pid != first]
    os.kill(second, signal.SIGKILL)
    thread.join(10)
    assert outcome == [Reason.DIED]


def test_the_end_of_a_run_ends_what_is_being_read(tmp_path: Path):
    """Threads that wait for a child are let go at once, and no child stays."""
    outcomes: list[str] = []
    with Files((str(tmp_path / "*"),)).opened():
        threads = [_begun(ENDLESS, outcomes)]
        threads += [
            threading.Thread(target=lambda: outcomes.append(_reason(ENDLESS, "a.eml"))) for _ in range(4)
        ]
        for thread in threads[1:]:
            thread.start()
    began = time.monotonic()
    for thread in threads:
        thread.join(10)
    assert time.monotonic() - began < 2
    assert len(outcomes) == 5
    assert Reason.ENDED in outcomes
    assert not _children()


def test_a_stop_ends_what_is_being_read_where_no_other_source_is_open():
    outcomes: list[str] = []
    with pool.kept():
        with pool.kept():
            thread = _begun(ENDLESS, outcomes)
            pool.stop()
            assert _children()
        pool.stop()
        thread.join(2)
        assert outcomes == [Reason.ENDED]
        assert parsed(pdf("after"), "a.pdf").text == "after"


def test_the_children_stay_until_the_last_of_two_sources_is_closed():
    with pool.kept():
        with pool.kept():
            parsed(pdf("a"), "a.pdf")
        assert _children()
    assert not _children()


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "parsing"])
@pytest.mark.slow
def test_children_end_when_their_parent_is_killed(busy: bool, tmp_path: Path):
    name = "a.eml" if busy else "a.xlsx"
    (tmp_path / name).write_bytes(ENDLESS if busy else xlsx({"A": [["x"]]}))
    program = f"""
        import sys, time
        from pathlib import Path
        from docmill.tasks.sources.parse import parsed
        parsed(Path("{name}").read_bytes(), "{name}")
        time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path) as parent:
        assert eventually(lambda: _children(parent.pid))
        children = _children(parent.pid)
        time.sleep(1)
        parent.kill()
    assert eventually(lambda: not any(map(alive, children)), within_s=3)


def test_children_end_when_their_parent_ends_by_itself(tmp_path: Path):
    imports = "from docmill.tasks.sources.parse import parsed; from tests.support.documents import pdf"
    program = f"{imports}; parsed(pdf('a'), 'a.pdf')"
    subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=Path(__file__).parents[2], check=True, timeout=10
    )


@pytest.mark.slow
def test_a_child_ends_after_idle_time_and_another_takes_its_place():
    parsed(pdf("a"), "a.pdf")
    [child] = _children()
    assert eventually(lambda: not alive(child), within_s=limits.IDLE_S + 5)
    assert parsed(pdf("b"), "a.pdf").text == "b"


LIES = {
    "nothing": "",
    "noise": "out.write(bytes(range(256)) * 9)",
    "a length of 4 GB": "out.write(b'text\\0\\0' + b'\\xff' * 4)",
    "less than it said": "out.write(b'text\\0\\0' + b'\\0\\0\\0\\x09' + b'less')",
    "no UTF-8": "out.write(b'text\\0\\0' + b'\\0\\0\\0\\x02' + b'\\xff\\xfe')",
    "a reason of its own": "out.write(b'reason' + b'\\0\\0\\0\\x04' + b'OWN!')",
    "no list of what it missed": "out.write(b'text\\0\\0' + b'\\0\\0\\0\\x08' + b'{\"a\":1}\\0')",
    "a reason of its own for a part": "out.write(b'text\\0\\0' + b'\\0\\0\\0\\x0c' + b'[[\"p\",\"X\"]]\\0')",
    "a million pages": "out.write(b'pages\\0' + b'\\0\\x0f\\x42\\x43' + b'[]\\0' + b'\\f' * 1000000)",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_what_a_child_sends_is_not_trusted(lie: str, monkeypatch: pytest.MonkeyPatch):
    """A child that a document has taken over can send nothing but text."""
    program = f"import sys; out = sys.stdout.buffer; sys.stdin.buffer.read(10); {lie}; out.flush()"
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", program))
    assert _reason(pdf("a")) == Reason.DIED


def test_text_of_a_child_is_cleaned_like_all_text(monkeypatch: pytest.MonkeyPatch):
    reply = r"b'text\0\0\0\0\0\x11[[],[],[]]\0 a\rb\0 '"
    program = f"import sys; sys.stdin.buffer.read(10); sys.stdout.buffer.write({reply})"
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", program))
    assert parsed(pdf("a"), "a.pdf").text == "a\nb"


@given(st.sampled_from([wire.TEXT, wire.PAGES, wire.REASON]), st.binary(max_size=100), st.binary(max_size=20))
def test_a_message_arrives_as_it_was_sent_or_not_at_all(tag: str, body: bytes, noise: bytes):
    stream = BytesIO()
    wire.send(stream, tag, body)
    sent = stream.getvalue()
    assert wire.receive(BytesIO(sent + noise)) == (tag, body)
    assert all(wire.receive(BytesIO(sent[:cut])) is None for cut in range(len(sent)))
