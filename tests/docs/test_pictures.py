"""The pictures of docs/images show what is there."""

import re
from html import unescape

from docmill.flows.cli.review_terminal import KEYS
from tests.support.pictures import REVIEW


def test_the_picture_of_review_in_the_terminal_has_every_key():
    """Drawn anew by `python -m tests.support.pictures`."""
    said = unescape(re.sub("<[^>]*>", "", REVIEW.read_text())).replace("\xa0", " ")
    assert "  ".join(f"{key} {name}" for key, name in KEYS.items()) in said
