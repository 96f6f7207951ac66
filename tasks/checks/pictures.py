"""Pictures of a document's pages in a request, beside its text; and how much they count."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import rfc8785

BYTES_PER_TOKEN = 3  # an estimate on the safe side: measured texts have about 4


def with_pictures(request: dict[str, Any], pictures: Sequence[str]) -> bytes:
    """Build the canonical body that shows pictures, as data URLs, behind the text of its last message."""
    *before, last = request["messages"]
    shown = [{"type": "image_url", "image_url": {"url": url}} for url in pictures]
    content = [{"type": "text", "text": last["content"]}, *shown]
    return rfc8785.dumps({**request, "messages": [*before, {**last, "content": content}]})


def beyond_text(request: Mapping[str, Any], picture_tokens: int) -> int:
    """Give the bytes of a request that are pictures, less what these count as; 0 where it has none."""
    urls = [url for message in request.get("messages", ()) for url in _urls(message)]
    return sum(len(url) - picture_tokens * BYTES_PER_TOKEN for url in urls)


def counted(message: Mapping[str, Any], picture_tokens: int) -> int:
    """Give the bytes of a message's content, of which each picture counts as its tokens do."""
    content = message.get("content")
    if not any(_urls(message)):
        return len(str(content).encode())
    texts = json.dumps(
        [each for each in content or () if each.get("type") != "image_url"], ensure_ascii=False
    )
    return len(texts.encode()) + picture_tokens * BYTES_PER_TOKEN * len(list(_urls(message)))


def _urls(message: Any) -> Iterator[str]:
    content = message.get("content") if isinstance(message, Mapping) else None
    for part in content if isinstance(content, list) else ():
        if isinstance(part, Mapping) and part.get("type") == "image_url":
            shown = part.get("image_url")
            url = shown.get("url") if isinstance(shown, Mapping) else None
            if isinstance(url, str) and url.startswith("data:"):
                yield url
