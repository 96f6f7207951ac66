"""The errors' tables of docs/operations.md: `python -m tests.support.errors_table` writes them anew."""

import re
from itertools import groupby
from pathlib import Path

from docmill.schemas import errors
from docmill.tasks.chat.errors import NO_MODEL_302AI, NO_MODEL_REMEDY, REMEDIES, refusal

FILE = Path(__file__).parents[2] / "docs" / "operations.md"
BEGIN, END = "<!-- errors: written by tests.support.errors_table -->\n", "<!-- /errors -->\n"
STATUSES = range(300, 600)
LEAF = re.compile(r"[├└]── (\w+) +(.+)")
PARENTS = {"ChatError"}  # these stand in the tree and are never raised themselves

REMEDY: dict[type[errors.DocmillError], str] = {
    errors.ConfigError: "Correct what the message names.",
    errors.StorageError: "Make room, or give access, where the message says, then run again.",
    errors.Deadlock: "None: the transaction is done again.",
    errors.Unreadable: "Repair or convert the document, or take it out of `documents`.",
    errors.NoResults: "`docmill run` the pipeline first, or name its database with `--into`.",
    errors.Fatal: "Do what the table below says of the answer, then run again.",
    errors.OverBudget: "Raise `budget` or `--max-cost`, or run again later: what was paid is cached.",
    errors.Permanent: "Read what the server said in the outcome's `error`: a parameter that it does not "
    "take, a document that is too long for it.",
    errors.Blocked: "Look at the document, and at the rules of the firewall or the proxy.",
    errors.Transient: "Run again when the server is well.",
    errors.MaybeBilled: "Run again. Where whole replies do not come in time, raise `timeout_s` or set "
    "`stream: true`.",
    errors.Unserved: NO_MODEL_REMEDY,
    errors.RateLimited: "None. A lower `limits.concurrency` meets fewer.",
    errors.InvalidReply: "Make the step's prompt or its schema's descriptions plainer, or take a better "
    "model. A new run asks again.",
    errors.CutShort: "Raise the step's `max_tokens` or the endpoint's `max_output_tokens`.",
    errors.Refused: "Look at the document; another model may take it.",
    errors.Deferred: "Run again, later.",
}
# The answers that the status alone does not tell, each as one that was seen.
SAID = {
    "429 or 403 that says that the account is empty (and nothing of a minute or a retry), 200 or 400 of a "
    "spent quota": (429, "insufficient_quota"),
    "200, 400, 404 or 503 that says that there is no such model": (404, "the model does not exist"),
    f"302.AI's {NO_MODEL_302AI}, when it comes twice": (503, NO_MODEL_302AI),
}


def published() -> str:
    """Write the tables: every error, then every answer that stops a run."""
    every = [
        f"| {name} | {_meaning(name)} | {_statuses(name)} | {does} | {_remedy(name)} |"
        for name, does in LEAF.findall(errors.__doc__ or "")
        if name not in PARENTS
    ]
    stopping = [f"| {answer} | {remedy} |" for answer, remedy in _stops()]
    return "\n".join(
        [
            "| error | it means | status | what follows | remedy |",
            "| --- | --- | --- | --- | --- |",
            *every,
            "",
            "| an answer that stops the run | remedy |",
            "| --- | --- |",
            *stopping,
            "",
        ]
    )


def put(text: str) -> str:
    """Put the tables between their marks in the document."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + published() + END + rest.split(END)[1]


def _meaning(name: str) -> str:
    sentence: str = getattr(errors, name).__doc__.partition("\n")[0]
    return re.split("[;.]", sentence)[0]


def _remedy(name: str) -> str:
    return REMEDY[getattr(errors, name)]


def _statuses(name: str) -> str:
    """List the statuses that mean this error where the body says nothing else."""
    alike = [status for status in STATUSES if type(refusal(status, {}, b"")).__name__ == name]
    runs = (list(run) for _, run in groupby(enumerate(alike), lambda pair: pair[1] - pair[0]))
    spans = [(run[0][1], run[-1][1]) for run in runs]
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in spans)


def _stops() -> list[tuple[str, str]]:
    by_status = [(str(status), remedy) for status, remedy in REMEDIES.items()]
    said = [(answer, _said(status, text).remedy) for answer, (status, text) in SAID.items()]
    return [("a redirect", refusal(302, {}, b"").remedy), *by_status, *said]


def _said(status: int, text: str) -> errors.ChatError:
    return refusal(status, {}, f'{{"error": {{"code": "{text}", "message": "{text}"}}}}'.encode())


if __name__ == "__main__":
    FILE.write_text(put(FILE.read_text()))
