"""`docmill review --page`: the review served on this machine, until Ctrl-C."""

from rich.text import Text

from docmill.flows.cli.output import console, printable
from docmill.flows.review.documents import documents
from docmill.flows.review.review import Review
from docmill.flows.review.server import ReviewServer
from docmill.tasks.sources.source import Source


def serve(review: Review, source: Source | str, by: str) -> None:
    """Serve the page and print its link; Ctrl-C and SIGTERM end it."""
    out = console()
    with documents(source) as texts, ReviewServer(review, texts, by) as server:
        out.print(f"{len(review.waiting()):,} in review", markup=False)
        out.print(Text(printable(f"open once: {server.link}")), soft_wrap=True)
        out.print("Ctrl-C ends it: what was decided is kept", markup=False)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            out.print(f"{len(review.waiting()):,} in review still", markup=False)
