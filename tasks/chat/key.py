"""The cache key: what makes two requests the same."""

import hashlib
from typing import Any

import rfc8785

from docmill.tasks.checks.request import parsed

VERSION = "v1"  # raise it to leave all earlier records behind
UNHASHED = ("stream", "stream_options", "user")  # they do not change the answer


def cache_key(body: bytes, schema: str | None, identity: str) -> str:
    """Name the record of a request: "chat/v1/ab/abcd…", the sha256 of what decides the answer.

    That is the body but for `UNHASHED` and whether its json_schema is strict, as the reply is checked
    against the schema either way; the `schema` that the reply must satisfy where the body
    does not carry it, and the endpoint's identity.
    """
    request = parsed(body)
    loose = _strictened(request)
    if loose or any(name in request for name in UNHASHED):
        body = rfc8785.dumps({name: value for name, value in request.items() if name not in UNHASHED})
    whole = hashlib.sha256()
    for part in (body, (schema or "").encode(), identity.encode()):
        whole.update(hashlib.sha256(part).digest())
    digest = whole.hexdigest()
    return f"chat/{VERSION}/{digest[:2]}/{digest}"


def _strictened(request: dict[str, Any]) -> bool:
    """Call a json_schema that is not strict strict, as all were once; says whether there was one."""
    form = request.get("response_format")
    schema = form.get("json_schema") if isinstance(form, dict) else None
    if not isinstance(schema, dict) or schema.get("strict") is not False:
        return False
    schema["strict"] = True
    return True
