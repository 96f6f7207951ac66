"""Where requests go: an endpoint, and the model asked there."""

import re
from decimal import Decimal
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

SECRET_OPTIONS = {"password", "sslpassword"}  # of PostgreSQL's URLs
# As SQLAlchemy reads it; urlsplit ends the user's part at a # or ? within a password.
DATABASE_PASSWORD = re.compile(r"(?!https?:)[^:/]+://[^:/]*:([^@]*)@", re.IGNORECASE)
VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
DEFAULT_PORTS = {"http": 80, "https": 443}
# Of a page of 1,568 pixels: a token for 750 of them, as Claude counts; most of GPT and Gemini count less.
TOKENS_A_PICTURE = 2400


def _described(schema: dict[str, Any]) -> None:
    """Keep a docstring's first paragraph alone: forms and editors show it."""
    schema["description"] = schema["description"].partition("\n\n")[0]


def is_loopback(host: str | None) -> bool:
    """Say whether a URL's host is this machine itself: localhost, ::1 and 127.0.0.0/8."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


class Declared(BaseModel):
    """The base of everything that users write: frozen, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=_described)


class Prices(Declared):
    """Prices in USD a million tokens."""

    input: Annotated[Decimal, Field(ge=0)]
    output: Annotated[Decimal, Field(ge=0)]
    cached_input: Annotated[Decimal, Field(ge=0)] | None = Field(
        default=None, description="Of input that the server had in its cache; that of input where not said"
    )
    cache_write: Annotated[Decimal, Field(ge=0)] | None = Field(
        default=None, description="Of input that the server put into its cache; that of input where not said"
    )


def without_password(url: str) -> str:
    """Give the URL back; a user's password in it is a ValueError (`${NAME}` is none)."""
    parts, database = urlsplit(url), DATABASE_PASSWORD.match(url)
    options = [value for key, value in parse_qsl(parts.query) if key in SECRET_OPTIONS]
    passwords = [parts.password, database and database[1], *options]
    if any(password and not VARIABLE.fullmatch(password) for password in passwords):
        raise ValueError(
            "a password must not stand in a pipeline: write ${NAME} and set NAME in the environment"
        )
    return url


class Endpoint(Declared):
    """A server that speaks the chat-completions protocol.

    Times are seconds, `prices` USD a million tokens. A wrong setting is a pydantic ValidationError.

    >>> endpoint = docmill.Endpoint(
    ...     base_url="https://gateway.example/v1",
    ...     api_key_env="DOCMILL_GATEWAY_KEY",
    ...     structured_output="json_schema",
    ... )
    >>> endpoint.timeout_s, endpoint.context_tokens
    (600, 32000)
    """

    base_url: Annotated[str, AfterValidator(without_password)] = Field(
        description="Its URL up to /chat/completions, such as https://api.302.ai/v1",
        pattern=r"^(https?://|\$\{)",
    )
    api_key_env: str | None = Field(
        default=None,
        pattern=r"^DOCMILL_[A-Z0-9_]+$",
        description="The environment variable that holds its key; without one no key is sent",
    )
    structured_output: Literal["tools", "json_schema", "text"] = Field(
        default="tools",
        description="How JSON is asked for: by a forced tool, by response_format, or in the prompt alone",
    )
    stream: bool = Field(
        default=False, strict=True, description="Take replies as they are written: no long silence cuts them"
    )
    timeout_s: float = Field(default=600, gt=0, strict=True, description="Seconds for the whole reply")
    context_tokens: int = Field(
        default=32_000, gt=0, strict=True, description="Tokens of a request and its reply together"
    )
    max_output_tokens: int = Field(
        default=4096, gt=0, strict=True, description="The most max_tokens it takes"
    )
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"] = Field(
        default="max_tokens",
        description="What it calls the limit of a reply: some models refuse max_tokens",
    )
    strict: Annotated[bool, Field(strict=True)] | Literal["auto"] = Field(
        default="auto",
        description="Whether a json_schema is strict; auto: where all properties are required, none is open",
    )
    choices: bool = Field(
        default=False, strict=True, description="Gives as many answers to a request as its `n` says"
    )
    vision: bool = Field(
        default=False,
        strict=True,
        description="Whether it is shown the pictures of pages that were read by them",
    )
    picture_tokens: int = Field(
        default=TOKENS_A_PICTURE,
        gt=0,
        strict=True,
        description="The tokens that it counts for a picture of 1,568 pixels at most",
    )
    requests_per_minute: int | None = Field(
        default=None, gt=0, strict=True, description="Requests that it takes in any minute"
    )
    tokens_per_minute: int | None = Field(
        default=None, gt=0, strict=True, description="Tokens that it takes in any minute, read and written"
    )
    prices: Prices | None = Field(
        default=None, description="USD a million tokens; else the list price is used"
    )
    cache_id: str | None = Field(
        default=None, min_length=1, description="Shares the cache with every endpoint of the same id"
    )
    allow_http: bool = Field(
        default=False, description="Permit plain http to a host that is not this machine"
    )

    @model_validator(mode="after")
    def _encrypted(self) -> "Endpoint":
        url = urlsplit(self.base_url)
        if url.query or url.fragment:
            raise ValueError("base_url ends with its path: /chat/completions is appended to it")
        if url.path.rstrip("/").endswith("/chat/completions"):
            raise ValueError(
                "leave /chat/completions off the end of base_url: it is appended, as to https://api.302.ai/v1"
            )
        if url.scheme == "http" and not is_loopback(url.hostname) and not self.allow_http:
            raise ValueError(
                f"plain http to {url.hostname} would send documents and the key unencrypted: "
                "use https, or say allow_http: true"
            )
        return self


class Target(BaseModel):
    """An endpoint and the model asked there, as one run uses them.

    `identity` stands for the endpoint in cache keys and hashes: another endpoint is another answer.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    endpoint: Endpoint
    model: str
    identity: str

    @property
    def local(self) -> bool:
        """Whether this is the embedded model."""
        return self.identity.startswith("local/")


def normalised(base_url: str) -> str:
    """Write equal base URLs equally: lower-case host, no default port, no trailing slash, no user."""
    url = urlsplit(base_url)
    host = (url.hostname or "").lower()
    if ":" in host:
        host = f"[{host}]"
    if url.port is not None and url.port != DEFAULT_PORTS.get(url.scheme):
        host = f"{host}:{url.port}"
    return urlunsplit((url.scheme.lower(), host, url.path.rstrip("/"), url.query, ""))


LOCAL = Endpoint(
    base_url="http://127.0.0.1:0/v1",  # the port changes with every start
    api_key_env="DOCMILL_LOCAL_TOKEN",
    structured_output="json_schema",
    strict=True,  # its server pays no heed, and the bytes stay what they were
    context_tokens=4096,
    max_output_tokens=1024,
    prices=Prices(input=Decimal(0), output=Decimal(0)),
)
BUILT_IN = {
    "local": LOCAL,
    "302ai": Endpoint(
        base_url="https://api.302.ai/v1", api_key_env="DOCMILL_API_KEY", context_tokens=200_000
    ),
}
LOCAL_MODEL = "smollm2-135m-instruct"
LOCAL_CONCURRENCY = 2  # the embedded model has two slots
