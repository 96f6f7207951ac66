"""What stands within a page: its own style and script, which alone run, and data that cannot end them."""

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

from markupsafe import Markup


def inline(name: str, package: str = "docmill.flows.report") -> Markup:
    """Give one of docmill's own files to stand within a page."""
    return Markup(files(package).joinpath(name).read_text(encoding="utf-8"))  # noqa: S704  our own files


def policy(style: str, script: str) -> str:
    """Write the Content-Security-Policy of a page that has this style and script, and loads nothing.

    Pictures are the pages that docmill has drawn, within what it gives.
    """
    sources = f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}"
    return f"{sources}; base-uri 'none'; form-action 'none'"


def embedded(value: Any) -> Markup:
    """Write a value as JSON that no document can end: in a script's element only `<` has a meaning."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
