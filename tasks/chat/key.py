"""The cache key: what makes two requests the same."""

import hashlib
import json

import rfc8785

VERSION = "v1"  # raise it to leave all earlier records behind
UNHASHED = ("stream", "stream_options", "user")  # they do not change the answer


def cache_key(body: bytes, schema: str | None, identity: str) -> str:
    """Name the record of a request: "chat/v1/ab/abcd…", the sha256 of what decides the answer.

    That is the body but for `UNHASHED`, the `schema` that the reply must satisfy where the body
    does not carry it, and the endpoint's identity.
    """
    request = json.loads(body)
    if any(name in request for name in UNHASHED):
        body = rfc8785.dumps({name: value for name, value in request.items() if name not in UNHASHED})
    whole = hashlib.sha256()
    for part in (body, (schema or "").encode(), identity.encode()):
        whole.update(hashlib.sha256(part).digest())
    digest = whole.hexdigest()
    return f"chat/{VERSION}/{digest[:2]}/{digest}"
