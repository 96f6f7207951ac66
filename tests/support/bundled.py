"""Bundles, and a stand-in that answers of a page what stands on it alone."""

import json
from email.message import EmailMessage
from email.policy import SMTP

from tests.support.connection import Request
from tests.support.shapes import Shape, requested_schema, saying


def letter(sender: str, *pages: str) -> list[str]:
    """Write a letter's pages: the first has a head, the others go on."""
    return [
        f"{sender}\nDear reader\n{page}" if number == 0 else f"goes on: {page}"
        for number, page in enumerate(pages)
    ]


def mail(*attached: tuple[str, bytes], text: str = "Two are attached.") -> bytes:
    """Write a mail with attachments."""
    message = EmailMessage()
    message["From"], message["Subject"] = "ann@a.example", "Papers"
    message.set_content(text)
    for name, content in attached:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes(policy=SMTP)


def by_the_page(request: Request) -> Shape | None:
    """Answer which page it is by the page alone; None for what asks something else."""
    asked = (requested_schema(request) or {}).get("properties", {})
    if "page" not in asked:
        return None
    first, *_ = request.document.split("\n")
    begins = not first.startswith("goes on")
    said = {"page": "first" if begins else "later", "number": None, "sender": first if begins else None}
    return saying(json.dumps(said | ({"kind": None} if "kind" in asked else {})))
