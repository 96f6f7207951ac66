"""Files as documents: what is listed, under which id, and the reason where one cannot be read."""

import os
import shutil
import socket
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docmill.schemas.errors import ConfigError, Unreadable
from docmill.tasks.sources.files import MAX_BYTES, FileRef, content_sha256, listed

NOBODY = 65534


@pytest.fixture
def inbox(tmp_path):
    """A working directory with documents in, below and beside its inbox."""
    for name in ("b.txt", "a.md", ".hidden.txt", "deep/c.txt", "deep/er/d.txt", ".git/e.txt"):
        path = tmp_path / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}")
    return tmp_path


@pytest.fixture
def unprivileged():
    """A directory that anyone may enter, and a process that is not root."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o755)
    (directory / "closed").mkdir()
    (directory / "closed" / "x.txt").write_text("secret")
    (directory / "secret.txt").write_text("secret")
    (directory / "secret.txt").chmod(0)
    (directory / "closed").chmod(0)
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    yield directory
    os.seteuid(before)
    (directory / "closed").chmod(0o700)
    shutil.rmtree(directory)


def _ids(root: Path, *patterns: str) -> list[str]:
    return [ref.document_id for ref in listed(patterns, root)]


def _only(root: Path, pattern: str) -> FileRef:
    [ref] = listed([pattern], root)
    return ref


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["inbox/*"], ["inbox/a.md", "inbox/b.txt"]),
        (["inbox/**"], ["inbox/a.md", "inbox/b.txt", "inbox/deep/c.txt", "inbox/deep/er/d.txt"]),
        (["inbox/**/*.txt"], ["inbox/b.txt", "inbox/deep/c.txt", "inbox/deep/er/d.txt"]),
        (["inbox/*/*"], ["inbox/deep/c.txt"]),
        (["**/d.*"], ["inbox/deep/er/d.txt"]),
        (["inbox/**/deep/**/*"], ["inbox/deep/c.txt", "inbox/deep/er/d.txt"]),
        (["inbox/.*"], ["inbox/.hidden.txt"]),
        (["inbox/.git/*"], ["inbox/.git/e.txt"]),
        (["inbox/[ab].??*"], ["inbox/a.md", "inbox/b.txt"]),
        (["inbox/deep/../b.txt"], ["inbox/b.txt"]),
        (["inbox/*.txt", "inbox/b.*", "inbox/b.txt"], ["inbox/b.txt"]),
        (["inbox/deep/*", "inbox/*.md"], ["inbox/a.md", "inbox/deep/c.txt"]),
        (["inbox/missing.txt"], []),
        (["inbox/*.pdf"], []),
    ],
    ids=lambda value: " ".join(value) or "nothing",
)
def test_patterns_match_as_globs_do_sorted_and_once(inbox, patterns, expected):
    """Files come sorted within a directory and once, hidden ones only where the pattern says so."""
    assert _ids(inbox, *patterns) == expected


@given(
    st.lists(
        st.lists(st.sampled_from(["**", "*", "a*", "*.txt", "a", "b", "?"]), min_size=1, max_size=4),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_matches_are_those_of_pathlib(tmp_path_factory, patterns):
    """Any patterns together match the files that the standard library's globs match one by one."""
    root = tmp_path_factory.getbasetemp() / "tree"
    for name in ("a", "b.txt", "aa/a", "aa/b/a.txt", "b/a/b/a.txt", "b/a/b.txt", "b/b/b/b"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    globs = ["*/" + "/".join(parts) for parts in patterns]
    to_files = [pattern + "/*" if pattern.endswith("**") else pattern for pattern in globs]
    files = {path for pattern in to_files for path in root.glob(pattern) if path.is_file()}
    assert sorted(_ids(root, *globs)) == sorted(path.relative_to(root).as_posix() for path in files)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("nowhere/*.txt", "no directory '.*/nowhere'"),
        ("inbox/b.txt/*", "no directory '.*/inbox/b.txt'"),
        ("nowhere/b.txt", "no directory"),
        ("inbox", r"is a directory: write inbox/\* "),
        ("s3://bucket/*", "is a URL"),
    ],
)
def test_pattern_that_leads_nowhere_is_a_wrong_configuration(inbox, pattern, problem):
    """A pattern whose directory does not exist is refused by name before anything is listed."""
    with pytest.raises(ConfigError, match=problem):
        listed(["inbox/*", pattern], inbox)


def test_ids_are_relative_below_the_working_directory_and_uris_elsewhere(inbox):
    """The id of a document is its path where it lies below the working directory, else its URI."""
    inside = _only(inbox, str(inbox / "inbox" / "a.md"))
    outside = _only(inbox / "inbox" / "deep", "../a.md")
    assert inside.document_id == "inbox/a.md"
    assert outside.document_id == outside.uri == inside.uri == (inbox / "inbox" / "a.md").as_uri()


@pytest.mark.parametrize(
    ("name", "document_id"),
    [
        (b"invoice #7 100%.txt", "invoice #7 100%.txt"),
        ("Überweisung 日本.txt".encode(), "Überweisung 日本.txt"),
        (b"[draft].txt", "[draft].txt"),
        (b"\xff\xfe.txt", "%FF%FE.txt"),
        (b"%FF%FE.txt", "%FF%FE.txt"),
        (b"two\nlines\x1b[2J.txt", "two%0Alines%1B%5B2J.txt"),
    ],
    ids=["blanks", "letters", "brackets", "no characters", "like those", "controls"],
)
def test_any_file_name_makes_a_printable_id(tmp_path, name, document_id):
    """Names of any bytes are read, under an id that can be stored, printed and told from others."""
    with Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).open("w") as file:
        file.write("text")
    ref = _only(tmp_path, "*")
    printable = name.decode(errors="surrogateescape").isprintable()
    assert ref.document_id == (document_id if printable else f"{tmp_path.as_uri()}/{document_id}")
    assert (ref.document_id + ref.uri).encode().decode().isprintable()
    assert ref.read().text == "text"


def test_working_directory_may_hold_wildcard_characters(tmp_path):
    """Brackets in the working directory's own name are not part of the pattern."""
    root = tmp_path / "data [2024]*"
    root.mkdir()
    (root / "a.txt").write_text("a")
    assert _ids(root, "*.txt") == ["a.txt"]


def test_listing_is_streamed(tmp_path):
    """The first documents are given before later directories are looked at."""
    for directory in ("a", "b"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "1.txt").touch()
    refs = listed(["**/*.txt"], tmp_path)
    first = next(refs)
    shutil.rmtree(tmp_path / "b")
    assert [first.document_id, *(ref.document_id for ref in refs)] == ["a/1.txt"]


def test_very_deep_directories_are_listed(tmp_path):
    """Depth is not bounded by Python's recursion limit."""
    before = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(1200):
            os.mkdir("d")  # noqa: PTH102
            os.chdir("d")
        Path("x.txt").touch()
    finally:
        os.chdir(before)
    assert _ids(tmp_path, "d/d/*") == []
    [found] = _ids(tmp_path, "**/*.txt")
    assert found.count("/") == 1200
    subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # shutil.rmtree recurses


def test_links_to_directories_are_followed_only_by_name(inbox):
    """`**` ends in a tree whose link leads back to its own top; a named link is entered."""
    (inbox / "inbox" / "deep" / "top").symlink_to(inbox / "inbox")
    assert _ids(inbox, "inbox/deep/**") == ["inbox/deep/c.txt", "inbox/deep/er/d.txt"]
    assert _ids(inbox, "inbox/deep/top/*.md") == ["inbox/deep/top/a.md"]


def test_document_is_read_with_the_hash_of_its_bytes(inbox):
    """A document has its text, and the sha256 of the file as it stands on the disk."""
    content = b"\xef\xbb\xbfTotal: 12 \xe2\x82\xac\r\n"
    (inbox / "inbox" / "a.md").write_bytes(content)
    document = _only(inbox, "inbox/a.md").read()
    assert (document.document_id, document.text) == ("inbox/a.md", "Total: 12 €")
    assert document.content_sha256 == sha256(content).hexdigest()
    assert content_sha256(inbox / "inbox" / "a.md") == sha256(content).hexdigest()


def test_file_of_the_largest_size_is_read_and_a_larger_one_is_not(tmp_path):
    """Up to MAX_BYTES a file is read; one byte more is a reason, but still has a hash."""
    path = tmp_path / "large.txt"
    path.write_bytes(b"x" * MAX_BYTES)
    assert len(_only(tmp_path, "*").read().text) == MAX_BYTES
    path.write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(Unreadable, match="larger than 20,000,000 bytes: split it"):
        _only(tmp_path, "*").read()
    assert content_sha256(path) == sha256(b"x" * (MAX_BYTES + 1)).hexdigest()


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        before = Path.cwd()
        os.chdir(path.parent)  # a socket's address is at most 108 bytes
        server.bind(path.name)
        os.chdir(before)


UNREADABLE = {
    "empty": (lambda path: path.touch(), "the file is empty"),
    "white space": (lambda path: path.write_text(" \n\t"), "the file is empty"),
    "pipe": (os.mkfifo, "a device, pipe or socket"),
    "socket": (_listening, "a device, pipe or socket"),
    "link to a device": (_device, "out of its directory"),
    "link to a secret": (lambda path: path.symlink_to("/etc/passwd"), "out of its directory"),
    "link to nothing": (lambda path: path.symlink_to("gone"), "leads to nothing"),
    "link to itself": (lambda path: path.symlink_to(path.name), "leads to itself"),
}


@pytest.mark.parametrize(("make", "reason"), UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.timeout(10)
def test_unreadable_file_is_listed_and_has_its_reason(tmp_path, make, reason):
    """What cannot be read is a document with a reason, and never makes anybody wait."""
    make(tmp_path / "x.txt")
    ref = _only(tmp_path, "*.txt")
    with pytest.raises(Unreadable, match=reason):
        ref.read()
    if "empty" not in reason:
        with pytest.raises(Unreadable, match=reason):
            content_sha256(ref.path)


def test_named_device_is_refused_too(tmp_path):
    """A pattern that names an endless device has a reason for an outcome."""
    [ref] = listed(["/dev/zero"], tmp_path)
    with pytest.raises(Unreadable, match="a device, pipe or socket"):
        ref.read()


def test_link_within_its_directory_and_named_link_are_read(inbox):
    """A link to a file beside it is read, and one that the pipeline itself names, wherever it leads."""
    (inbox / "inbox" / "link.txt").symlink_to("b.txt")
    (inbox / "latest.txt").symlink_to("inbox/b.txt")
    assert _only(inbox, "inbox/l*.txt").read().text == "text of b.txt"
    named = _only(inbox, "latest.txt")
    assert (named.document_id, named.read().text) == ("latest.txt", "text of b.txt")


def test_file_that_vanishes_after_listing_has_a_reason(inbox):
    """A file that is gone when its turn comes is a reason, not a crash."""
    ref = _only(inbox, "inbox/a.md")
    ref.path.unlink()
    with pytest.raises(Unreadable, match="the file is gone"):
        ref.read()


def test_missing_permission_is_a_reason(unprivileged):
    """A file and a directory that may not be read are each a document with a reason."""
    reasons = {}
    for ref in listed(["**/*.txt"], unprivileged):
        with pytest.raises(Unreadable) as raised:
            ref.read()
        reasons[ref.document_id] = str(raised.value)
    assert reasons.keys() == {"closed", "secret.txt"}
    assert "no permission" in reasons["secret.txt"]
    assert "a directory that cannot be listed" in reasons["closed"]


@pytest.mark.parametrize("pattern", ["closed/*", "closed/x.txt", "closed/deep/*"])
def test_closed_directory_of_a_pattern_is_refused_or_accounted_for(unprivileged, pattern):
    """A source that may not be looked into is never an empty one."""
    with pytest.raises((ConfigError, Unreadable)):
        next(listed([pattern], unprivileged)).read()


def test_text_comes_from_the_name_on_disk(tmp_path):
    """A reference alone is enough to read a document: nothing is remembered from the listing."""
    (tmp_path / "page.html").write_text("<p>Hello <b>there</b></p>")
    ref = FileRef("x", "file:///x", tmp_path / "page.html")
    assert ref.read().text == "Hello **there**"
