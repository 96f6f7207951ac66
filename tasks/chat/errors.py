"""What a server's refusal means: pure functions from an answer to an error of the tree."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from docmill.schemas.errors import (
    Blocked,
    ChatError,
    Fatal,
    MaybeBilled,
    Permanent,
    RateLimited,
    Refused,
    Transient,
    Unserved,
)
from docmill.tasks.chat.redaction import redaction_of
from docmill.tasks.chat.retry_after import seconds, told

EXCERPT_CHARS = 500
NAME_CHARS = 80
LONGEST_DETAILS_CHARS = 4000  # of Google's errors: which limit, and when to come again
CODES = ("err_code", "code", "type", "status", "param")
STATUSES = {str(status): status for status in range(400, 600)}
NO_MONEY_DASHSCOPE = "Arrearage"  # sent with status 400
NO_MODEL_302AI = "-10008"  # seen live with status 503: the model is not served

EMPTY = re.compile(  # the account, whatever the status
    r"insufficient[_ ](user[_ ])?(quota|balance|credit|funds)|credit[_ ]balance|payment required"
    r"|out of credits|exceeded[_ ](your[_ ])?current[_ ]quota"
    r"|(spend|spending|usage|billing)([_ ](hard|soft|monthly))?[_ ]limit",
    re.IGNORECASE,
)
MONEY = re.compile(  # in a refusal that is about limits anyway
    r"billing|arrear|recharge|(?<![a-z])balance(?![a-z])|quota is not enough|余额|欠费", re.IGNORECASE
)
RATE = re.compile(
    r"per[ _-]?(sec|min|hour|day)|this (sec|min|hour|day)|rate[ _-]?limit|too many requests|retry|throttl"
    r"|(?<![a-z])[rt]p[smhd](?![a-z])",
    re.IGNORECASE,
)
BUSY = re.compile(
    r"high demand|overload|too busy|at capacity|try (it )?(again )?later|come back|temporar", re.IGNORECASE
)
NO_MODEL = re.compile(
    r"model[_ ]not[_ ]found|(unknown|invalid|unsupported|no such|no available) model"
    r"|model[^.]{0,80}(does not exist|not exist|not found|not supported|not available)",
    re.IGNORECASE,
)
MODERATED = re.compile(
    r"content[_ ](filter|policy|management)|moderation|data_inspection_failed|flagged (by|as|for|input)"
    r"|(sensitive|inappropriate|prohibited)[_ ]content|safety (system|filter|policy)|ResponsibleAI",
    re.IGNORECASE,
)
PAGE = re.compile(rb"\s*(?:\xef\xbb\xbf)?<(?:!doctype|html|head|body|\?xml)", re.IGNORECASE)

REMEDIES = {
    401: "The server does not accept the key: set the right one in the variable that the endpoint names.",
    402: "The account has no money left: top it up, then run again; what was paid for is in the cache.",
    403: "The key may not do this: check what it is allowed, and the model's name.",
    404: "Nothing is served there: check base_url (it ends before /chat/completions) and the model's name.",
    405: "The address does not take requests: check base_url (it ends before /chat/completions).",
}
REDIRECTED = "The address has moved: docmill follows no redirect with a key; set base_url to the new address."
NO_MODEL_REMEDY = "The endpoint does not serve this model: name another with --model or in the pipeline."
# What a server does not take, by what it says of it, and the key that helps.
UNTAKEN = {
    r"max_completion_tokens": "set max_tokens_name: max_completion_tokens in the endpoint's mapping",
    r"temperature": "give the step params: {temperature: null}",
    r"top_p": "give the step params: {top_p: null}",
    r"stream": "set stream: false in the endpoint's mapping",
    r"\bstrict\b|'required'|additionalProperties": "set strict: false in the endpoint's mapping",
    r"response_format|json_schema": "set structured_output: tools, or text, in the endpoint's mapping",
    r"tool_choice|\btools?\b|function call": "set structured_output: json_schema, or text, "
    "in the endpoint's mapping",
}


@dataclass(frozen=True)
class Envelope:
    """What a server's error says: its code, its sentence, and these with all other words that name it."""

    code: str | int | None
    said: str
    words: str


def refusal(status: int, headers: Mapping[str, str], body: bytes, secret: str | None = None) -> ChatError:
    """Make the error of an answer that is no completion; status 200 is an error within a good answer.

    Decided in the order: x-should-retry, what the body says of money, moderation and models, the status.
    `secret` is taken out of all that the error carries.
    """
    text = redacted(body.decode(errors="replace"), secret)
    page = bool(PAGE.match(body))  # its words are its own, such as those of a load balancer
    envelope = Envelope(None, "", "") if page else _envelope(text)
    code = _name(envelope.code, secret)
    named = f"the server answered {status}" + (" with an error" if status == 200 else "")
    kind, remedy = _meaning(status, headers.get("x-should-retry"), envelope)
    if page and status in (403, 406):
        kind, remedy, named = Blocked, "", f"{named} with a page that is not the API's"
    elif kind is Permanent and (helps := _untaken(status, envelope)):
        remedy, named = f"{helps[0].upper()}{helps[1:]}.", f"{named}: {helps}"
    error = kind(
        f"{named} ({code})" if code else named,
        remedy=remedy,
        status=status,
        code=code,
        request_id=_name(headers.get("x-request-id") or headers.get("request-id"), secret),
        body=excerpt(text),
    )
    error.retry_after_s = seconds(headers) or (told(envelope.words) if kind is RateLimited else None)
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
    """Give the beginning of a text of the server's, as databases take it."""
    return storable(text[:EXCERPT_CHARS])


def storable(text: str) -> str:
    """Take out the character that databases do not take."""
    return text.replace("\0", "\ufffd")


def _billed(error: Transient) -> MaybeBilled:
    billed = MaybeBilled(str(error))
    vars(billed).update(vars(error))
    return billed


def _meaning(status: int, wish: str | None, envelope: Envelope) -> tuple[type[ChatError], str]:
    kind, remedy = _by_status(status)
    if wish == "true" and status >= 400 and kind is not RateLimited:
        return (kind if issubclass(kind, Transient) else Transient), ""
    if _unpaid(status, envelope.words) or envelope.code == NO_MONEY_DASHSCOPE:
        return Fatal, REMEDIES[402]
    if status in (200, 400, 403) and MODERATED.search(envelope.words):
        return Refused, ""
    if str(envelope.code) == NO_MODEL_302AI:
        return Unserved, NO_MODEL_REMEDY
    if status in (200, 400, 404, 503) and NO_MODEL.search(envelope.said) and not BUSY.search(envelope.said):
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


def _unpaid(status: int, words: str) -> bool:
    if status not in (200, 400, 403, 429) or RATE.search(words):
        return False
    # What refuses the request may quote the document, and that may well speak of bills and balances.
    return bool(EMPTY.search(words) or (status in (403, 429) and MONEY.search(words)))


def _untaken(status: int, envelope: Envelope) -> str | None:
    """Say which key of the endpoint or the step helps where a server does not take a parameter."""
    if status not in (400, 422):
        return None
    return next((helps for words, helps in UNTAKEN.items() if re.search(words, envelope.words)), None)


def _envelope(text: str) -> Envelope:
    """Read code and message out of the shapes of error that servers are known to send."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return Envelope(None, text[:EXCERPT_CHARS], text[:EXCERPT_CHARS])
    if isinstance(parsed, list) and parsed and isinstance(parsed[0], dict):  # Gemini's
        parsed = parsed[0]
    if not isinstance(parsed, dict):
        return Envelope(None, text[:EXCERPT_CHARS], text[:EXCERPT_CHARS])
    error = parsed.get("error")
    found = error if isinstance(error, dict) else parsed
    codes = [code for name in CODES if (code := found.get(name)) and isinstance(code, str | int)]
    texts = (found.get(name) for name in ("message", "msg", "err", "error_msg", "error"))
    said = next((said for said in texts if said and isinstance(said, str)), text)[:EXCERPT_CHARS]
    details = json.dumps(found.get("details", ""), ensure_ascii=False)[:LONGEST_DETAILS_CHARS]
    return Envelope(next(iter(codes), None), said, " ".join([*map(str, codes), said, details]))


def _name(value: str | int | None, secret: str | None) -> str | None:
    """Write a code or an id so that it can stand in a line of a log, a table and a database."""
    if value is None:
        return None
    return "".join(filter(str.isprintable, redacted(str(value), secret)))[:NAME_CHARS] or None
