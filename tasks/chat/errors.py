"""What a server's refusal means: pure functions from an answer to an error of the tree."""

import json
import re
from collections.abc import Mapping
from typing import Any

from schemas.errors import ChatError, Fatal, MaybeBilled, Permanent, RateLimited, Transient
from tasks.chat.retry_after import seconds

EXCERPT_CHARS = 500
NO_MODEL_302AI = "-10008"  # seen live with status 503: the model is not served

QUOTA = re.compile(
    r"insufficient[_ ](quota|balance|credit|funds)|exceeded your current quota|quota"
    r"|credit balance|(spend|usage|billing)[a-z ]* limit|payment required|out of credits|balance|余额",
    re.IGNORECASE,
)
RATE = re.compile(r"per[ _-](second|minute|hour|day)|rate[ _-]?limit|too many requests", re.IGNORECASE)
NO_MODEL = re.compile(
    r"model[_ ]not[_ ]found|(unknown|invalid|unsupported|no such|no available) model"
    r"|model[^.]{0,80}(does not exist|not exist|not found|not supported|not available)",
    re.IGNORECASE,
)

REMEDIES = {
    401: "The server does not accept the key: set the right one in the variable that the endpoint names.",
    402: "The account has no money left: top it up, then run again; what was paid for is in the cache.",
    403: "The key may not do this: check what it is allowed, and the model's name.",
    404: "Nothing is served there: check base_url (it ends before /chat/completions) and the model's name.",
    405: "The address does not take requests: check base_url (it ends before /chat/completions).",
}
REDIRECTED = "The address has moved: docmill follows no redirect with a key; set base_url to the new address."
NO_MODEL_REMEDY = "The endpoint does not serve this model: name another with --model or in the pipeline."


def refusal(status: int, headers: Mapping[str, str], body: bytes, secret: str | None = None) -> ChatError:
    """Make the error of an answer that is no completion.

    Decided in the order: x-should-retry, what the body says of money and models, the status.
    `secret` is taken out of the excerpt.
    """
    text = body.decode(errors="replace")
    if secret:
        text = text.replace(secret, "[key]")
    code, said = _envelope(text)
    details: dict[str, Any] = {
        "status": status,
        "code": code,
        "request_id": headers.get("x-request-id") or headers.get("request-id"),
        "body": text[:EXCERPT_CHARS],
    }
    named = f"the server answered {status}" + (f" ({code})" if code else "")
    wish = headers.get("x-should-retry")
    if wish == "true" and status >= 400:
        return Transient(named, **details)
    if _unpaid(status, f"{code} {said}"):
        return Fatal(named, remedy=REMEDIES[402], **details)
    if code == NO_MODEL_302AI or (status in (400, 404, 503) and NO_MODEL.search(said)):
        return Fatal(named, remedy=NO_MODEL_REMEDY, **details)
    if wish == "false" and status not in REMEDIES:
        return Permanent(named, **details)
    return _by_status(status, headers, named, details)


def _by_status(status: int, headers: Mapping[str, str], named: str, details: dict[str, Any]) -> ChatError:
    if status in REMEDIES:
        return Fatal(named, remedy=REMEDIES[status], **details)
    if 300 <= status < 400:
        return Fatal(named, remedy=REDIRECTED, **details)
    error = _meaning(status)(named, **details)
    error.retry_after_s = seconds(headers)
    return error


def _meaning(status: int) -> type[ChatError]:
    if status in (429, 529):
        return RateLimited
    if status == 504:  # a gateway gave up on a model that may have gone on
        return MaybeBilled
    return Transient if status in (408, 409, 425) or status >= 500 else Permanent


def _unpaid(status: int, said: str) -> bool:
    return status in (400, 403, 429) and bool(QUOTA.search(said)) and not RATE.search(said)


def _envelope(text: str) -> tuple[str | None, str]:
    """Read code and message out of the shapes of error that servers are known to send."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None, text[:EXCERPT_CHARS]
    if not isinstance(parsed, dict):
        return None, text[:EXCERPT_CHARS]
    error = parsed.get("error")
    found = error if isinstance(error, dict) else parsed
    code = next((found[name] for name in ("err_code", "code", "type") if found.get(name)), None)
    said = next(
        (found[name] for name in ("message", "msg", "err", "error_msg", "error") if found.get(name)), text
    )
    return (str(code) if code else None), str(said)[:EXCERPT_CHARS]
