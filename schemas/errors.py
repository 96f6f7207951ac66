"""The one tree of docmill's errors, named for what the caller does next.

    DocmillError
    ├── ConfigError            correct the configuration: nothing was sent (exit 2)
    │   └── NoResults          run the pipeline first: nothing of it is stored yet (exit 2)
    ├── StorageError           stop the run: the cache or the results cannot be written (exit 3)
    │   └── Deadlock           do the transaction again: it and another waited for each other
    ├── Unreadable             this document is failed: it has no text that could be sent
    └── ChatError              a completion did not come about
        ├── Fatal              stop the run: every other call would get the same answer (exit 3)
        │   └── OverBudget     the same; raise the budget, or run again when there is money (exit 3)
        ├── Permanent          this document is failed: the server will not take this request
        │   └── Blocked        the same; where every document meets it, the run stops
        ├── Transient          try again: five tries in all
        │   ├── MaybeBilled    try again once: the attempt may have been paid for
        │   └── Unserved       try again once, then stop the run: the model is not served
        ├── RateLimited        wait with the whole lane (429, 529); spends no try
        ├── InvalidReply       ask again, saying what is wrong: two repairs in all
        ├── CutShort           ask again with twice the max_tokens, once
        ├── Refused            this document is refused: the model declined
        └── Deferred           another run: a limit, a stop or an outage, not the document's fault

Prefect stores and revives errors by their message alone, so every further attribute is optional.
"""


class DocmillError(Exception):
    """The base of all errors that docmill raises on purpose."""


class ConfigError(DocmillError):
    """The configuration is wrong; the message says where and what was meant.

    Where several things were given at once, `at` is which of them is wrong, from 0.
    """

    def __init__(self, message: str = "", at: int = 0) -> None:
        super().__init__(message)
        self.at = at


class NoResults(ConfigError):
    """The results database holds nothing of the pipeline yet."""


class StorageError(DocmillError):
    """The cache or the results database does not take what was paid for."""


class Deadlock(StorageError):
    """Two transactions waited for each other, and the database ended this one: nothing of it is written."""


class Unreadable(DocmillError):
    """A document has no text: the message is the reason, for its outcome's `error`."""


class ChatError(DocmillError):
    """A completion did not come about.

    The message is our own sentence, which Prefect's states and logs may show. `status` is the HTTP
    status, `code` the server's own code, `request_id` the server's name for the request, `body` the
    first 500 characters of what it sent, with the key redacted: for the outcome's `error` alone,
    never for logs or events. `retry_after_s` is how long the server asks to wait. `again` is set
    where the same key has a try or a repair left. `choice` is the index of the choice that is not
    valid, and `reply` what it said, at most 16 KB with the key redacted. `remedy` is what a
    person does about it, in our own words too.

    >>> try:
    ...     await docmill.summarize("A text that is refused")
    ... except docmill.Permanent as error:
    ...     print(type(error).__name__, error.status)
    Permanent 400
    """

    def __init__(
        self,
        message: str = "",
        *,
        remedy: str = "",
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        body: str = "",
    ) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.again = False
        self.choice = 0
        self.reply = ""
        self.retry_after_s: float | None = None
        self.status = status
        self.code = code
        self.request_id = request_id
        self.body = body

    @property
    def advice(self) -> str:
        """The message, and what to do about it."""
        return f"{self}. {self.remedy}" if self.remedy else str(self)


class Fatal(ChatError):
    """Every other call would get the same answer: stop the run."""


class OverBudget(Fatal):
    """The budget does not hold the next call: what is left is for a later run."""


class Permanent(ChatError):
    """The server will not take this request, however often it is sent."""


class Blocked(Permanent):
    """A page came in the place of the server's answer: a firewall took offence at the document."""


class Transient(ChatError):
    """The same request may well succeed in a moment."""


class MaybeBilled(Transient):
    """The request reached the server and no usable reply came back: it may have been paid for."""


class Unserved(Transient):
    """The server has no such model at the moment, or never had."""


class RateLimited(ChatError):
    """The lane is too fast for the server."""


class InvalidReply(ChatError):
    """The reply does not parse or does not satisfy the request's schema; `body` says how."""


class CutShort(ChatError):
    """The reply ended at max_tokens, so it is not complete even where it parses."""


class Refused(ChatError):
    """The model or a content filter declined."""


class Deferred(ChatError):
    """Not now: the document is taken up by the next run."""
