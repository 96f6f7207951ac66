"""URLs of objects in a store: globs as a pipeline writes them, and the ids that objects have by them."""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from urllib.parse import quote, unquote

from docmill.schemas.errors import ConfigError
from docmill.tasks.sources.globs import ANY_DEPTH, Rest, matches, parts_of
from docmill.tasks.sources.stores import PACKAGES

URL = re.compile(r"(\w[\w+.-]*)://([^/]*)/?(.*)", re.DOTALL)
FILE = "file://"
MAGIC = re.compile(r"[*?[]")


@dataclass(frozen=True)
class Address:
    """Where an object is: its bucket (or container) in a store, and its key there."""

    protocol: str
    bucket: str
    key: str

    def uri(self) -> str:
        """Write it as one line that can be printed: only what cannot, and %, is percent-encoded."""
        plain = self.key.isprintable() and "%" not in self.key
        key = self.key if plain else "".join(map(_printable, self.key))
        return f"{self.protocol}://{self.bucket}/{key}"


@dataclass(frozen=True)
class UrlGlob:
    """A glob over the keys of a bucket; `url` is as it is written."""

    url: str
    protocol: str
    bucket: str
    pattern: str

    @cached_property
    def parts(self) -> Rest:
        """Its pattern in parts; a key has no others than those between its slashes."""
        return parts_of(self.pattern.split("/"))

    @property
    def prefix(self) -> str:
        """What every key that it matches begins with."""
        fixed = list(takewhile(lambda part: isinstance(part, str), self.parts))
        rest = self.pattern.split("/")[len(fixed) :]
        return "/".join([*map(str, fixed), *(MAGIC.split(text)[0] for text in rest[:1])])

    @property
    def deep(self) -> bool:
        """Whether it matches keys that have a slash after the prefix."""
        wild = len(self.parts) - self.prefix.count("/")
        return wild > 1 or ANY_DEPTH in self.parts

    def matches(self, address: Address) -> bool:
        """Tell whether it matches an object; a key that ends in a slash is a folder's mark and no object."""
        place = address.protocol == self.protocol and address.bucket == self.bucket
        return place and not address.key.endswith("/") and matches(self.parts, address.key.split("/"))


def url_glob(url: str) -> UrlGlob:
    """Read a URL of a pipeline; raises ConfigError, which never holds a password."""
    found = URL.fullmatch(url)
    if not found:
        raise ConfigError(f"documents: {safe(url)!r} is no URL of one store: chained ones are not read")
    protocol, bucket, pattern = found[1].lower(), found[2], found[3]
    if problem := _problem(protocol, bucket, pattern):
        raise ConfigError(f"documents: {safe(url)!r} {problem}")
    return UrlGlob(url, protocol, bucket, pattern)


def address_of(name: str) -> Address | None:
    """Read an object's URI, whether or not it is percent-encoded; None where it is none."""
    found = URL.fullmatch(name)
    return Address(found[1].lower(), found[2], unquote(found[3])) if found else None


def is_remote(pattern: str) -> bool:
    """Say whether a pattern is a URL of a store, and no path of this machine."""
    return "://" in pattern and not pattern.lower().startswith(FILE)


def path_of(pattern: str) -> str:
    """Give a local pattern without file://."""
    if not pattern.lower().startswith(FILE):
        return pattern
    path = pattern[len(FILE) :].removeprefix("localhost")
    if not path.startswith("/"):
        raise ConfigError(f"documents: {pattern!r} must go on with an absolute path: file:///PATH")
    return path


def _problem(protocol: str, bucket: str, pattern: str) -> str | None:
    if protocol not in PACKAGES:
        return f"cannot be read: docmill reads files, and objects of {', '.join(PACKAGES)}"
    if "@" in bucket:
        return "holds a user or an account: leave them out, they come from the environment"
    if not bucket or MAGIC.search(bucket) or ":" in bucket:
        return f"must name one bucket: write {protocol}://BUCKET/*"
    if not pattern or pattern.endswith("/"):
        return f"names a folder: write {protocol}://{bucket}/{pattern}* for what is in it"
    return None


def safe(url: str) -> str:
    """Write a URL without the user that it may hold."""
    return re.sub(r"//[^/]*@", "//***@", url)


def _printable(char: str) -> str:
    if char != "%" and char.isprintable():
        return char
    return quote(char, safe="", errors="surrogatepass")
