"""What a server's refusal means: pure functions from an answer to an error of the tree."""

import json
import re
from collections.abc import Mapping

from docmill.schemas.errors import ChatError, Fatal, MaybeBilled, Permanent, RateLimited, Transient, Unserved
from docmill.tasks.chat.redaction import redaction_of
from docmill.tasks.chat.retry_after import seconds

EXCERPT_CHARS = 500
NAME_CHARS = 80
STATUSES = {str(status): status for status in range(400, 600)}
NO_MODEL_302AI = "-10008"  # seen live with status 503: the model is not served

SPENT = re.compile(
    r"insufficient[_ ](quota|balance|credit|funds)|exceeded your current quota|credit balance"
    r"|(spend|spending|usage|billing)( hard| soft| monthly)? limit|payment required|out of credits",
    re.IGNORECASE,
)
QUOTA = re.compile(r"quota|(?<![a-z])balance(?![a-z])|余额", re.IGNORECASE)
RATE = re.compile(r"per[ _-]?(sec|min|hour|day)|rate[ _-]?limit|too many requests", re.IGNORECASE)
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
    """Make the error of an answer that is no completion; status 200 is an error within a good answer.

    Decided in the order: x-should-retry, what the body says of money and models, the status.
    `secret` is taken out of all that the error carries.
    """
    text = redacted(body.decode(errors="replace"), secret)
    code, said = _envelope(text)
    code = _name(code, secret)
    named = f"the server answered {status}" + (" with an error" if status == 200 else "")
    kind, remedy = _meaning(status, headers.get("x-should-retry"), code, said)
    error = kind(
        f"{named} ({code})" if code else named,
        remedy=remedy,
        status=status,
        code=code,
        request_id=_name(headers.get("x-request-id") or headers.get("request-id"), secret),
        body=excerpt(text),
    )
    error.retry_after_s = seconds(headers)
    return error


def without_answer(body: bytes, secret: str | None = None, *, begun: bool = False) -> ChatError:
    """Make the error of a body with status 200 that holds no answer: what an error within it means.

    `begun` says that a part of an answer came before, so that a failure may have been billed.
    """
    said = excerpt(redacted(body.decode(errors="replace"), secret))
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return MaybeBilled("the reply is not JSON", status=200, body=said)
    error = parsed.get("error") if isinstance(parsed, dict) else None
    if not error:
        return MaybeBilled("the reply is no chat completion", status=200, body=said)
    code = error.get("code") if isinstance(error, dict) else None
    status = STATUSES.get(str(code), 200) if isinstance(code, int | str) else 200
    meant = refusal(status, {}, body, secret)
    return _billed(meant) if begun and type(meant) is Transient else meant


def redacted(text: str, secret: str | None) -> str:
    """Take the key out of a text of the server's, in whatever form it stands there."""
    return redaction_of(secret).error(text)


def excerpt(text: str) -> str:
    """Give the beginning of a text of the server's, without the character that databases do not take."""
    return text[:EXCERPT_CHARS].replace("\0", "\ufffd")


def _billed(error: Transient) -> MaybeBilled:
    billed = MaybeBilled(str(error))
    vars(billed).update(vars(error))
    return billed


def _meaning(status: int, wish: str | None, code: str | None, said: str) -> tuple[type[ChatError], str]:
    kind, remedy = _by_status(status)
    if wish == "true" and status >= 400 and kind is not RateLimited:
        return (kind if issubclass(kind, Transient) else Transient), ""
    if _unpaid(status, f"{code} {said}"):
        return Fatal, REMEDIES[402]
    if code == NO_MODEL_302AI:
        return Unserved, NO_MODEL_REMEDY
    if status in (200, 400, 404, 503) and NO_MODEL.search(said):
        return Fatal, NO_MODEL_REMEDY
    if wish == "false" and kind is not Fatal:
        return Permanent, ""
    return kind, remedy


def _by_status(status: int) -> tuple[type[ChatError], str]:
    if status in REMEDIES:
        return Fatal, REMEDIES[status]
    if 300 <= status < 400:
        return Fatal, REDIRECTED
    if status in (429, 529):
        return RateLimited, ""
    if status in (504, 524):  # a gateway gave up on a model that may have gone on
        return MaybeBilled, ""
    return (Transient if status in (200, 408, 409, 425) or status >= 500 else Permanent), ""


def _unpaid(status: int, said: str) -> bool:
    if status not in (200, 400, 403, 429) or RATE.search(said):
        return False
    # What refuses the request may quote the document, and that may well speak of quotas and balances.
    return bool(SPENT.search(said) or (status in (403, 429) and QUOTA.search(said)))


def _envelope(text: str) -> tuple[str | int | None, str]:
    """Read code and message out of the shapes of error that servers are known to send."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None, text[:EXCERPT_CHARS]
    if not isinstance(parsed, dict):
        return None, text[:EXCERPT_CHARS]
    error = parsed.get("error")
    found = error if isinstance(error, dict) else parsed
    codes = (found.get(name) for name in ("err_code", "code", "type"))
    code = next((code for code in codes if code and isinstance(code, str | int)), None)
    texts = (found.get(name) for name in ("message", "msg", "err", "error_msg", "error"))
    said = next((said for said in texts if said and isinstance(said, str)), text)
    return code, said[:EXCERPT_CHARS]


def _name(value: str | int | None, secret: str | None) -> str | None:
    """Write a code or an id so that it can stand in a line of a log, a table and a database."""
    if value is None:
        return None
    return "".join(filter(str.isprintable, redacted(str(value), secret)))[:NAME_CHARS] or None
