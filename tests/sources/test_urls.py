"""URLs in `documents`: what they name, and what they may not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.errors import ConfigError
from docmill.tasks.sources.documents import source_of
from docmill.tasks.sources.files import Files
from docmill.tasks.sources.urls import Address, address_of, url_glob

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
NAMES = st.sampled_from(["a", "a.txt", "b.txt", "", "..", ".h.txt", "x[1]", "é\n"])
PARTS = st.sampled_from(["*", "**", "a*", "*.txt", "?.txt", "[ab].txt", "a", "", "..", ".*", "x[[]1]"])


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://example.com/a.txt", "cannot be read: docmill reads files, and objects of s3, gs"),
        ("local:///in/*", "cannot be read"),
        ("simplecache::s3://bucket/*", "chained ones are not read"),
        ("zip://*.txt::s3://bucket/a.zip", "cannot be read"),
        ("reference://x/*", "cannot be read"),
        ("s3://", "must name one bucket"),
        ("s3://buck*/in/*", "must name one bucket"),
        ("s3://a::b/in/*", "must name one bucket"),
        ("s3://bucket", r"names a folder: write s3://bucket/\* "),
        ("s3://bucket/in/", r"names a folder: write s3://bucket/in/\* "),
        ("file://in/*.txt", "must go on with an absolute path"),
    ],
)
def test_a_url_that_is_none_of_a_store_is_a_wrong_configuration(url: str, problem: str):
    with pytest.raises(ConfigError, match=f"^documents: .*{problem}"):
        source_of(["in/*", url])


@pytest.mark.parametrize("user", ["ada:hunter2", "hunter2", ":hunter2", "a:hunter2@b"])
@pytest.mark.parametrize(
    "form", ["s3://{}@bucket/*", "zip::s3://{}@bucket/*", "abfs://{}@account.dfs.core.windows.net/*"]
)
def test_credentials_in_a_url_are_refused_and_not_repeated(form: str, user: str):
    with pytest.raises(ConfigError) as caught:
        source_of([form.format(user)])
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["file:///in/*.txt", "FILE://localhost/in/*.txt"])
def test_the_url_of_a_file_is_its_path(url: str):
    assert source_of([url, "b"]) == Files(("/in/*.txt", "b"))


@given(KEYS)
def test_an_id_is_one_printed_line_that_says_which_object_it_is(key: str):
    address = Address("s3", "bucket", key)
    assert address.uri().isprintable()
    assert address_of(address.uri()) == address


@given(st.lists(PARTS, min_size=1, max_size=4), st.lists(NAMES, min_size=1, max_size=4))
def test_no_key_that_matches_is_missed_by_what_is_listed(parts: list[str], names: list[str]):
    pattern, key = "/".join(parts), "/".join(names)
    if not pattern or pattern.endswith("/"):
        return
    glob = url_glob(f"s3://bucket/{pattern}")
    if glob.matches(Address("s3", "bucket", key)):
        assert key.startswith(glob.prefix)
        assert glob.deep or "/" not in key.removeprefix(glob.prefix)


@pytest.mark.parametrize(
    ("pattern", "prefix", "deep"),
    [
        ("in/*.txt", "in/", False),
        ("in/2026-*", "in/2026-", False),
        ("in/a.txt", "in/a.txt", False),
        ("*", "", False),
        ("in/*/a.txt", "in/", True),
        ("in/**", "in/", True),
        ("**/*.txt", "", True),
        ("in/[[]x]*/b", "in/", True),
    ],
)
def test_as_little_is_listed_as_the_pattern_permits(pattern: str, prefix: str, deep: bool):
    glob = url_glob(f"s3://bucket/{pattern}")
    assert (glob.prefix, glob.deep) == (prefix, deep)
