"""Pictures of the terminal in docs/images: `python -m tests.support.pictures` draws them anew."""

import os
import tempfile
from contextlib import chdir
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.support.project import Project
from tests.support.repository import ROOT
from tests.support.reviewing import Bills
from tests.support.terminals import terminal

REVIEW = ROOT / "docs" / "images" / "review-terminal.svg"
COLUMNS = 88


def review() -> str:
    """Look at two points of a document in `docmill review`; gives what the terminal was sent."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        bills = Bills(Project(Path(folder)))
        bills.plant(bills.outcome("a", name="Eve", total=61), bills.outcome("b", total=62))
        with terminal("review", "p.yaml", columns=COLUMNS) as screen:
            for key in "sq":
                screen.see("q quit")
                screen.press(key)
            screen.see("in review still")
            return screen.raw


def drawn(sent: str, title: str) -> str:
    """Draw what a terminal was sent, without what it was told at the end."""
    shown = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="256")
    lines = sent.replace("\r", "").rstrip().splitlines()[:-1]
    shown.print(Text.from_ansi("\n".join(lines).rstrip()), soft_wrap=True)
    return shown.export_svg(title=title, unique_id="terminal")


if __name__ == "__main__":
    os.environ.pop("NO_COLOR", None)
    REVIEW.write_text(drawn(review(), "docmill review p.yaml"))
