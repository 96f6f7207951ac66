"""Objects of remote stores as documents: a real server of S3, and fsspec's store in memory."""

import os
import re
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Barrier, Event, Thread

import fsspec
import pytest
from moto.core import set_initial_no_auth_action_count

from docmill.flows.arrived import arrived
from docmill.flows.process import process
from docmill.flows.watch.watch import watched
from docmill.schemas.errors import ConfigError, Deferred, StorageError, Unreadable
from docmill.tasks.sources.arrivals import Arrivals, Outside
from docmill.tasks.sources.documents import Documents, source_of
from docmill.tasks.sources.hashes import AT_ONCE, LARGE_AT_ONCE, LARGE_BYTES, Hashes
from docmill.tasks.sources.s3 import S3
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.s3 import Bucket, bucket, environment, s3_server, served

pytestmark = pytest.mark.slow

__all__ = ["bucket", "s3_server"]
SUMMARIZE = "  - summarize: {sentences: 1}\n"
ODD = {
    "in/a b.txt": "in/a b.txt",
    "in/ü漢.txt": "in/ü漢.txt",
    "in//empty name.txt": "in//empty name.txt",
    "in/100%.txt": "in/100%25.txt",
    "in/%41.txt": "in/%2541.txt",
    "in/a+b.txt": "in/a+b.txt",
    "in/x?versionId=3.txt": "in/x?versionId=3.txt",
    "in/#[x]*.txt": "in/#[x]*.txt",
    "in/\x7f\u202e.txt": "in/%7F%E2%80%AE.txt",
    "in/end ": "in/end ",
}


def ids(*patterns: str) -> list[str]:
    with source_of(patterns).opened() as refs:
        return [ref.document_id for ref in refs]


def texts(*patterns: str) -> dict[str, str]:
    with source_of(patterns).opened() as refs:
        return {ref.document_id: ref.read().text for ref in refs}


@pytest.fixture
def memory() -> Iterator["fsspec.AbstractFileSystem"]:
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs[:] = [""]
    yield files
    files.store.clear()


def test_objects_are_listed_sorted_and_once(bucket: Bucket):
    for key in ("in/b.txt", "in/a.txt", "in/.hidden.txt", "in/c.csv", "in/deep/d.txt", "in/mark/", "z.txt"):
        bucket.put(key, f"text of {key}")
    found = ids(f"{bucket.url}/in/*.txt", f"{bucket.url}/**/*.txt", f"{bucket.url}/in/a.txt")
    assert found == [f"{bucket.url}/{key}" for key in ("in/a.txt", "in/b.txt", "in/deep/d.txt", "z.txt")]
    assert ids(f"{bucket.url}/in/**") == [
        f"{bucket.url}/in/{key}" for key in ("a.txt", "b.txt", "c.csv", "deep/d.txt")
    ]


def test_files_and_objects_may_be_mixed(bucket: Bucket, project: Project):
    project.documents(a="text of a")
    bucket.put("in/b.txt", "text of b")
    assert texts("in/*.txt", f"{bucket.url}/in/*.txt") == {
        "in/a.txt": "text of a",
        f"{bucket.url}/in/b.txt": "text of b",
    }
    source = source_of([f"{bucket.url}/in/*.txt", "in/*.txt"])
    assert source.count() == 2
    assert source.described() == f"in/*.txt, {bucket.url}/in/*.txt"


def test_what_is_hashed_is_what_is_read(bucket: Bucket):
    bucket.put("in/a.txt", "text of a\n")
    with source_of([f"{bucket.url}/in/*"]).opened() as refs:
        [ref] = refs
        assert ref.sha256() == ref.read().content_sha256 == sha256(b"text of a\n").hexdigest()
        assert ref.uri == ref.document_id


def test_keys_of_any_form_are_documents_of_their_own(bucket: Bucket):
    for key in ODD:
        bucket.put(key, f"text of {key!r}")
    assert texts(f"{bucket.url}/in/**") == {
        f"{bucket.url}/{shown}": f"text of {key!r}" for key, shown in ODD.items()
    }


def test_a_key_of_dots_is_hidden_but_may_be_named(bucket: Bucket):
    bucket.put("in/../a.txt", "text of a")
    assert ids(f"{bucket.url}/in/**") == []
    assert texts(f"{bucket.url}/in/../*.txt") == {f"{bucket.url}/in/../a.txt": "text of a"}


def test_an_object_that_cannot_be_asked_for_has_a_reason(bucket: Bucket):
    bucket.put("in/new\nline.txt", "this server lists such a key, and gives none")
    with source_of([f"{bucket.url}/in/*"]).opened() as refs:
        [ref] = refs
        assert ref.document_id == f"{bucket.url}/in/new%0Aline.txt"
        assert ref.sha256() is None
        with pytest.raises(Unreadable, match="the object is gone"):
            ref.read()


def test_an_object_that_vanishes_or_is_no_document_has_a_reason(bucket: Bucket):
    for name, content in {"empty": b"", "gone": b"text", "large": b"x" * 25_000_000}.items():
        bucket.put(f"in/{name}", content)
    with source_of([f"{bucket.url}/in/*"]).opened() as refs:
        empty, gone, large = refs
        bucket.delete("in/gone")
        assert (empty.sha256(), gone.sha256(), large.sha256()) == (sha256(b"").hexdigest(), None, None)
        for ref, reason in ((empty, "is empty"), (gone, "is gone"), (large, "larger than 20,000,000 bytes")):
            with pytest.raises(Unreadable, match=reason):
                ref.read()


def test_an_object_that_has_grown_since_it_was_listed_is_not_read_whole(bucket: Bucket):
    bucket.put("in/a", "small")
    with source_of([f"{bucket.url}/in/*"]).opened() as refs:
        [ref] = refs
        bucket.put("in/a", b"x" * 25_000_000)
        with pytest.raises(Unreadable, match="larger than"):
            ref.read()


def test_three_thousand_objects_are_listed_in_seconds(bucket: Bucket):
    for number in range(3000):
        bucket.put(f"in/{number:04}.txt", f"text {number}")
    began = time.monotonic()
    assert ids(f"{bucket.url}/in/*.txt") == [f"{bucket.url}/in/{number:04}.txt" for number in range(3000)]
    assert time.monotonic() - began < 15


def test_a_bucket_that_is_missing_is_a_wrong_configuration_and_an_empty_one_is_none(bucket: Bucket):
    assert ids(f"{bucket.url}/in/*") == []
    with pytest.raises(ConfigError, match=r"'s3://nowhere/\*' cannot be listed: there is no such bucket"):
        ids(f"{bucket.url}/in/*", "s3://nowhere/*")
    with pytest.raises(ConfigError, match="the bucket's name is none that there can be"):
        ids("s3://no where/*")
    assert source_of(["s3://nowhere/*"]).count() is None


@set_initial_no_auth_action_count(0)
def unauthorized(url: str) -> list[str]:
    """List with a server that looks at the keys, of which it knows none."""
    return ids(url)


def test_a_bucket_that_may_not_be_listed_is_a_wrong_configuration(bucket: Bucket):
    with pytest.raises(
        ConfigError, match=r"access is refused \(InvalidAccessKeyId\): check the cred"
    ) as caught:
        unauthorized(f"{bucket.url}/*")
    assert "a-key-of-the-tests" not in str(caught.value)


def test_an_object_that_may_not_be_read_has_a_reason(bucket: Bucket):
    bucket.put("a.txt", "text")
    bucket.deny("s3:GetObject")
    with source_of([f"{bucket.url}/*"]).opened() as refs:
        [ref] = refs
        with pytest.raises(Unreadable, match=r"cannot be read: access is refused"):
            ref.read()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "the server cannot be reached: check the network"),
        ({"AWS_ACCESS_KEY_ID": ""}, "there are no credentials: set them in the environment"),
        ({"AWS_PROFILE": "nobody"}, "there are no credentials"),
        ({"AWS_ENDPOINT_URL": "nonsense"}, "ValueError"),
    ],
)
def test_a_store_that_cannot_be_asked_is_a_wrong_configuration(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], reason: str
):
    for name, value in change.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    with pytest.raises(ConfigError, match=rf"^documents: 's3://.*' cannot be listed: {reason}") as caught:
        ids(f"{bucket.url}/*")
    assert "a-secret-of-the-tests" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_store_that_is_lost_in_the_middle_fails_after_what_was_listed_and_again(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
):
    for number in range(1001):
        bucket.put(f"{number:04}.txt", "text")
    with served() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", environment(server)["AWS_ENDPOINT_URL"])
        with source_of([f"{bucket.url}/*"]).opened() as refs:
            first = next(refs)
            server.stop()
            lost = r"the source s3://.* failed: the server cannot be reached.*Run again"
            listed = [next(refs) for _ in range(999)]
            for _ in range(2):
                with pytest.raises(StorageError, match=lost):
                    next(refs)
            assert len({first, *listed}) == 1000
            with pytest.raises(Deferred, match="the server cannot be reached"):
                first.read()


def test_a_missing_package_is_named(bucket: Bucket, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ConfigError, match=r"needs the package s3fs: pip install 's3fs' .*docmill\[s3\]"):
        ids(f"{bucket.url}/*")
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(ConfigError, match=r"needs the package gcsfs: pip install 'gcsfs'$"):
        ids("gs://bucket/*")


def test_another_store_is_read_by_fsspec(memory: "fsspec.AbstractFileSystem"):
    for key in ("in/b.txt", "in/a.txt", "in/.hidden", "in/deep/er/c.txt", "in/deep/d.txt", "other/a.txt"):
        memory.pipe(f"/{key}", f"text of {key}".encode())
    assert list(texts("memory://in/*.txt")) == ["memory://in/a.txt", "memory://in/b.txt"]
    assert texts("memory://in/**/d*", "memory://in/**") == {
        f"memory://in/{key}": f"text of in/{key}" for key in ("deep/d.txt", "a.txt", "b.txt", "deep/er/c.txt")
    }
    assert ids("memory://in/gone/*") == []
    with pytest.raises(ConfigError, match="there is no such bucket"):
        ids("memory://nowhere/*")


def test_a_key_that_a_store_cannot_list_is_not_passed_over(memory: "fsspec.AbstractFileSystem"):
    memory.pipe("/in/deep//a.txt", b"text")
    with pytest.raises(ConfigError, match="cannot be listed: a key has two slashes in a row"):
        ids("memory://in/**")


def test_a_folder_that_goes_while_it_is_listed_takes_nothing_else_with_it(
    memory: "fsspec.AbstractFileSystem",
):
    for key in ("a", "b", "c/x", "d/x"):
        memory.pipe(f"/in/{key}", b"text")
    with source_of(["memory://in/**"]).opened() as refs:
        first = next(refs)
        memory.rm("/in/c", recursive=True)
        assert [ref.document_id for ref in (first, *refs)] == [
            f"memory://in/{key}" for key in ("a", "b", "d/x")
        ]


def test_an_object_of_another_store_has_its_reason_too(memory: "fsspec.AbstractFileSystem"):
    memory.pipe("/in/a", b"x")
    memory.pipe("/in/b", b"x")
    with source_of(["memory://in/*"]).opened() as refs:
        large, gone = refs
        memory.pipe("/in/a", b"x" * 20_000_001)
        memory.rm("/in/b")
        with pytest.raises(Unreadable, match="larger than"):
            large.read()
        with pytest.raises(Unreadable, match="is gone"):
            gone.read()


def test_hashes_that_are_expected_are_taken_together():
    hashes = Hashes()
    together = Barrier(AT_ONCE, timeout=10)

    def computed() -> str:
        return str(together.wait() >= 0)

    for number in range(AT_ONCE):
        hashes.expect(str(number), computed, 1)
    hashes.expect("forgotten", lambda: pytest.fail("it was forgotten"), 1)
    hashes.forget("forgotten")
    assert hashes.of("3", computed) == "True"
    assert hashes.of("another", lambda: "its own") == "its own"
    hashes.close()
    assert hashes.of("3", computed) is None


def test_few_large_ones_are_in_memory_at_a_time():
    hashes = Hashes()
    under_way: list[int] = []
    most: list[int] = []

    def computed() -> None:
        under_way.append(1)
        most.append(len(under_way))
        time.sleep(0.01)
        under_way.pop()

    for number in range(12):
        hashes.expect(str(number), computed, LARGE_BYTES + 1)
    for number in range(12):
        hashes.of(str(number), computed)
    hashes.close()
    assert max(most) == LARGE_AT_ONCE


def test_a_closed_source_gives_no_more(bucket: Bucket):
    bucket.put("a", "text")
    bucket.put("b", "text")
    with source_of([f"{bucket.url}/*"]).opened() as refs:
        first = next(refs)
    assert next(refs, None) is None
    assert first.sha256() is None


class Stalling(BaseHTTPRequestHandler):
    """Lists two objects, and gives three bytes of each."""

    ended = Event()

    def do_GET(self) -> None:
        objects = b"".join(b"<Contents><Key>%b</Key><Size>9</Size></Contents>" % key for key in (b"a", b"b"))
        listing = b"<R>" + objects + b"</R>"
        content = listing if "list-type" in self.path else b"abc"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content) if content is listing else 9))
        self.end_headers()
        self.wfile.write(content)
        if content is not listing:
            self.ended.wait(20)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def test_closing_a_source_ends_what_is_being_read(bucket: Bucket, monkeypatch: pytest.MonkeyPatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stalling)
    Thread(target=server.serve_forever).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    ended: list[str | None] = []
    try:
        with source_of([f"{bucket.url}/*"]).opened() as refs:
            threads = [Thread(target=lambda ref=ref: ended.append(ref.sha256())) for ref in refs]
            for thread in threads:
                thread.start()
            time.sleep(0.5)
            assert not ended
        for thread in threads:
            thread.join(5)
        assert ended == [None, None]
    finally:
        Stalling.ended.set()
        server.shutdown()
        server.server_close()


def test_an_event_may_name_objects_that_the_pipelines_own_pattern_matches(bucket: Bucket, project: Project):
    project.documents(a="text of a")
    bucket.put("in/b 1.txt", "text of b")
    bucket.put("out/c.txt", "text of c")
    whole = source_of(["in/*.txt", f"{bucket.url}/in/*.txt"])
    assert isinstance(whole, Documents)
    named = ("in/b 1.txt", "in/b%201.txt", "in/gone.txt", "out/c.txt", "in/../out/c.txt", "in/x/")
    uris = (f"{bucket.url}/{name}" for name in named)
    outside = ("s3://elsewhere/in/b.txt", "s3a://x", "out/c.txt", f"{bucket.url}/in/{'x' * 5000}.txt")
    arrivals = Arrivals(whole, ("in/a.txt", *uris, *outside))
    with arrivals.opened() as refs:
        found = {ref.document_id: ref for ref in refs}
    inside = ["in/a.txt", f"{bucket.url}/in/b 1.txt", f"{bucket.url}/in/gone.txt"]
    assert [name for name, ref in found.items() if not isinstance(ref, Outside)] == inside
    assert len(found) == arrivals.count() == 10
    assert max(map(len, found)) <= 1000
    with arrivals.opened() as refs:
        _, there, gone, *_ = refs
        assert there.sha256() == sha256(b"text of b").hexdigest()
        assert there.read().text == "text of b"
        with pytest.raises(Unreadable, match="is gone"):
            gone.read()


@pytest.mark.usefixtures("prefect_api")
def test_a_bucket_is_run_and_a_rerun_asks_for_what_changed(
    project: Project, provider: Provider, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCMILL_BUCKET", bucket.name)
    for number in range(30):
        bucket.put(f"in/{number:02}.txt", f"text {number}")
    bucket.put("in/large.txt", b"x" * 25_000_000)
    file = str(project.pipeline(provider.url, SUMMARIZE, documents="s3://${DOCMILL_BUCKET}/in/*.txt"))
    assert project.run("run", file) == 1
    statuses = {f"{bucket.url}/in/{number:02}.txt": "done" for number in range(30)}
    assert project.statuses() == statuses | {f"{bucket.url}/in/large.txt": "failed"}
    bucket.delete("in/large.txt")
    assert project.run("run", file) == 0
    assert len(provider.requests) == 30
    bucket.put("in/07.txt", "changed")
    assert project.run("run", file) == 0
    assert len(provider.requests) == 31
    assert b"changed" in provider.bodies()[-1]
    last = "select documents_in, done, unchanged, calls from docmill_runs order by started_at desc limit 1"
    assert project.rows(last) == [(30, 1, 29, 1)]
    [(uri, digest)] = project.rows(
        "select uri, content_sha256 from docmill_outcomes where document_id like '%/07.txt'"
    )
    assert (uri, digest) == (f"{bucket.url}/in/07.txt", sha256(b"changed").hexdigest())


@pytest.mark.usefixtures("prefect_api")
def test_objects_that_an_outage_keeps_from_being_read_are_deferred(
    project: Project, provider: Provider, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
):
    """An outage is not their fault."""
    bucket.put("in/a.txt", "text")
    pipeline = str(project.pipeline(provider.url, SUMMARIZE, documents=f"{bucket.url}/in/*.txt"))

    def unreached(*_: object) -> bytes:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(S3, "read", unreached)
        assert project.run("run", pipeline) == 1
    assert project.statuses() == {f"{bucket.url}/in/a.txt": "deferred"}
    assert project.run("run", pipeline) == 0


@pytest.mark.usefixtures("prefect_api")
def test_a_run_ends_with_nothing_left_open(
    project: Project, provider: Provider, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
):
    bucket.put("in/a.txt", "text")
    monkeypatch.setenv("PYTHONWARNINGS", "always::ResourceWarning")
    running = project.begin(
        "run", str(project.pipeline(provider.url, SUMMARIZE, documents=f"{bucket.url}/in/*"))
    )
    printed, _ = running.communicate(timeout=100)
    assert running.returncode == 0
    port = os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2]
    assert not re.search(f"Unclosed|Traceback|Task was destroyed|unclosed.*{port}", printed)


@pytest.mark.usefixtures("prefect_api")
async def test_a_bucket_that_is_missing_fails_every_run_and_an_empty_one_no_scheduled_one(
    project: Project, provider: Provider, bucket: Bucket, capfd: pytest.CaptureFixture[str]
):
    file = project.pipeline(provider.url, SUMMARIZE, documents="s3://nowhere/*")
    ended = await process(file, return_state=True)
    assert (ended.type.value, "there is no such bucket" in (ended.message or "")) == ("FAILED", True)
    file = project.pipeline(provider.url, SUMMARIZE, documents=f"{bucket.url}/*")
    ended = await process(file, return_state=True)
    assert (ended.type.value, "0 documents" in (ended.message or "")) == ("COMPLETED", True)


def test_a_run_by_hand_over_nothing_is_refused(
    project: Project, provider: Provider, bucket: Bucket, capfd: pytest.CaptureFixture[str]
):
    for url, said in (("s3://nowhere/*", "there is no such bucket"), (f"{bucket.url}/*", "matches no file")):
        assert project.run("run", str(project.pipeline(provider.url, SUMMARIZE, documents=url))) == 2
        assert said in " ".join(capfd.readouterr().err.split())
    assert not provider.requests


@pytest.mark.usefixtures("prefect_api")
async def test_an_event_over_objects_starts_a_run_of_them(
    project: Project, provider: Provider, bucket: Bucket
):
    for name in ("a", "b"):
        bucket.put(f"in/{name}.txt", f"text of {name}")
    folder = project.root / "flows" / "pipelines"
    folder.mkdir(parents=True)
    project.pipeline(provider.url, SUMMARIZE, documents=f"{bucket.url}/in/*.txt").rename(folder / "p.yaml")
    named = [f"{bucket.url}/in/a.txt", f"{bucket.url}/in/gone.txt", f"{bucket.url}/out.txt", "/etc/passwd"]
    ended = await arrived("p", named, return_state=True)
    assert ended.type.value == "FAILED"
    outcomes = dict(project.rows("select document_id, coalesce(error, status) from docmill_outcomes"))
    assert outcomes == {
        f"{bucket.url}/in/a.txt": "done",
        f"{bucket.url}/in/gone.txt": "the object is gone",
        f"{bucket.url}/out.txt": "outside the pipeline's source",
        "/etc/passwd": "outside the pipeline's source",
    }


def test_a_key_is_not_put_into_a_url(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    for name in ("AWS_SECRET_ACCESS_KEY", "DOCMILL_API_KEY", "DOCMILL_TEAM_KEY"):
        monkeypatch.setenv(name, "hunter2")
        endpoint = f"{{base_url: '{provider.url}', api_key_env: DOCMILL_TEAM_KEY}}"
        file = project.pipeline(endpoint, SUMMARIZE, documents=f"s3://${{{name}}}/*")
        assert project.run("check", str(file)) == 2
        error = capfd.readouterr().err
        assert (f"documents: ${{{name}}}" in error, "hunter2" in error) == (True, False)


def test_objects_cannot_be_watched(project: Project):
    folder = project.root / "flows" / "pipelines"
    folder.mkdir(parents=True)
    (project.root / "in").mkdir()
    project.pipeline("local", SUMMARIZE, documents="s3://bucket/in/*").rename(folder / "p.yaml")
    with pytest.raises(ConfigError, match="--pipeline: p reads URLs, and only directories can be watched"):
        watched(Path("in"), "p")
