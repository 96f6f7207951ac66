"""Server-sent events: read as httpx-sse reads them, however the bytes are cut, and in bounded memory."""

import json
from itertools import chain, pairwise

import httpx
import pytest
from httpx_sse import EventSource
from hypothesis import given
from hypothesis import strategies as st

from docmill.tasks.chat.sse import LARGEST_EVENT_BYTES, EventReader, TooLarge

FIELDS = ["data: a", "data:b", "data", "data:", 'data: {"x": 1}', ": comment", "event: e", "id: 1", "x: y"]
ENDS = ["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n", "\u2028", "\x85"]
PIECES = st.sampled_from([*FIELDS, *ENDS, "é", "\ufeff", " ", "data: \U0001f600"])
STREAMS = st.lists(PIECES, max_size=12).map("".join).map(str.encode)
CUTS = st.lists(st.integers(0, 60), max_size=6).map(sorted)


def read(*parts: bytes) -> list[str]:
    reader = EventReader()
    return [data for part in parts for data in reader.feed(part)]


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *cuts, len(stream)]
    return [stream[begin:end] for begin, end in pairwise(edges)]


def oracle(stream: bytes) -> list[str]:
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=stream)
    return [event.data for event in EventSource(response).iter_sse() if event.data]


@given(STREAMS, CUTS)
def test_events_are_those_that_httpx_sse_reads(stream: bytes, cuts: list[int]):
    expected = oracle(stream.removeprefix(b"\xef\xbb\xbf"))  # it leaves a byte order mark to others
    assert [data for data in read(*cut(stream, cuts)) if data] == expected


@given(STREAMS)
def test_where_a_stream_is_cut_makes_no_difference(stream: bytes):
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == read(stream)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_each_way_to_end_a_line_ends_it(end: str):
    stream = end.join(["data: a", "data: b", "", ": comment", "data:c", "", ""]).encode()
    assert read(stream) == ["a\nb", "c"]


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
def test_an_event_that_the_stream_does_not_end_is_given_at_its_end(end: bytes):
    reader = EventReader()
    assert [*reader.feed(b"data: a\n\ndata: b" + end), *reader.end()] == ["a", "b"]
    assert list(reader.end()) == []


def test_a_byte_order_mark_begins_no_line():
    assert read(b"\xef\xbb", b"\xbfdata: a\n\n") == ["a"]


def test_an_errors_json_without_a_fields_name_is_an_event():
    """302-AI-Studio reads such lines of 302.AI; new-api writes them into a stream that began well."""
    line = json.dumps({"error": {"err_code": -10003, "message": "Network error"}})
    assert read(f"data: a\n\n{line}\n".encode()) == ["a", line]
    reader = EventReader()
    assert [*reader.feed(line.encode()), *reader.end()] == [line]


@pytest.mark.parametrize("part", [b"x" * 65536, b"data: " + b"x" * 65536 + b"\n", b":" + b"x" * 65536])
def test_an_endless_line_or_event_ends_in_an_error(part: bytes):
    reader = EventReader()
    with pytest.raises(TooLarge):
        list(chain.from_iterable(reader.feed(part) for _ in range(2 * LARGEST_EVENT_BYTES // len(part))))


@pytest.mark.slow
def test_endless_comments_take_no_memory():
    reader = EventReader()
    for _ in range(1000):
        assert list(reader.feed(b": keep-alive\n" * 1000)) == []
    assert len(reader._rest) == 0
