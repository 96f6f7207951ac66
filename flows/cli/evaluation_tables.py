"""What `docmill evaluate` prints: scores, confused labels, what has changed, pipelines side by side."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from docmill.flows.cli.evaluating import Judged
from docmill.flows.cli.output import plain
from docmill.flows.evaluate.contributed import Contribution
from docmill.flows.evaluate.difference import ALL_FIELDS, ANSWERED, LABEL, Change, Difference, difference
from docmill.flows.evaluate.evaluation import Evaluation
from docmill.flows.evaluate.gate import percent, points
from docmill.flows.evaluate.scores import Score, total
from docmill.schemas.evaluate import MOST_LABELS, NO_LABEL
from docmill.schemas.money import money

MOST_LISTED = 20


def scores(found: Evaluation, *, detail: bool) -> Table:
    """Draw the scores of labels and fields."""
    more = ("precision", "recall", "F1") if detail else ()
    table = _table("", "right", "wrong", "missing", "accuracy", *more)
    for name, score in found.labels.items():
        table.add_row(plain(f"label {name}"), *_cells(score), *[""] * len(more))
    table.add_row(plain("all labels", "bold"), *_cells(found.label), *[""] * len(more), end_section=True)
    for name, score in found.fields.items():
        table.add_row(plain(f"field {name}"), *_cells(score), *(_more(score) if more else ()))
    if found.fields:
        whole = total(found.fields.values())
        table.add_row(plain("all fields", "bold"), *_cells(whole), *(_more(whole) if more else ()))
    return table


def models(contributed: Mapping[str, Contribution]) -> Table:
    """Draw what each model contributed: the documents that it answered last, and what these cost."""
    table = _table("answered last by", "documents", "right", "in review", "cost")
    for name, each in contributed.items():
        right = f"{each.right:,} ({percent(each.right / each.documents)})"
        cost = each.tally.cost_usd
        said = "unknown" if cost is None else money(cost, estimated=each.tally.cost_estimated)
        table.add_row(plain(name), f"{each.documents:,}", right, f"{each.review:,}", said)
    return table


def confusion(found: Evaluation) -> RenderableType:
    """Draw which label the documents of each label got: what is right stands on the diagonal."""
    matrix = found.matrix()
    if not matrix:
        return Text("no labels")
    columns = list(next(iter(matrix.values())))
    if len(columns) > MOST_LABELS:
        return _confused(found.confusion())
    table = Table(box=None, pad_edge=False, header_style="bold", title="label, and what it was taken for")
    table.title_justify = "left"
    table.add_column("")
    for name in columns:
        table.add_column(plain(name or NO_LABEL), justify="right", max_width=14)
    for wanted, row in matrix.items():
        whole = sum(row.values()) or 1
        shaded = (_shaded(many, many / whole, right=name == wanted) for name, many in row.items())
        table.add_row(plain(wanted), *shaded)
    return table


def review(found: Evaluation) -> Text:
    """Say what review caught and held back."""
    seen = found.reviewed()
    return Text(
        f"review caught {seen.caught:,} of {seen.wrong:,} documents with something wrong, "
        f"and held back {seen.held_back:,} of {seen.right:,} that are right"
    )


def wrong(found: Evaluation) -> Iterator[RenderableType]:
    """List what is wrong, beside what the labels say."""
    cells = [(each, cell) for each in found.judgements for cell in each.all_faults]
    if cells:
        table = _titled("wrong", "document", "value", "label says", "is", "")
        for judgement, cell in cells[:MOST_LISTED]:
            status = judgement.status if judgement.status == "review" else ""
            values = plain(cell.wanted), plain(cell.got), plain(status)
            table.add_row(plain(judgement.document), plain(cell.path), *values)
        yield table
        yield from _more_than(len(cells), "--json --detail")


def differences(since: Difference) -> Iterator[RenderableType]:
    """Draw what has changed: shares with their intervals, then the values that got better and worse."""
    table = _table("", "before", "after", "points [95 of 100 samples]")
    for figure in since.figures:
        table.add_row(plain(figure.name), percent(figure.before), percent(figure.after), points(figure))
    yield Text(f"\n{since.documents:,} documents in both", style="bold")
    if since.other_labels:
        yield Text("the labels say other things than those of the earlier evaluation", style="yellow")
    yield table
    yield from _changes("better", since.better)
    yield from _changes("worse", since.worse)


def side_by_side(judged: Sequence[Judged]) -> Table:
    """Draw a line a pipeline, each beside the first with what may be chance of the difference."""
    table = _table(
        "pipeline", "model", "labels", "fields", "answered", "caught", "held back", "cost", "minutes"
    )
    for one in judged:
        found, seen = one.found, one.found.reviewed()
        since = difference(judged[0].found, found) if one is not judged[0] else None
        fields, cost = total(found.fields.values()).accuracy, one.cost.cost_usd
        table.add_row(
            plain(one.name),
            plain(one.model),
            _beside(found.label.accuracy, since, LABEL),
            _beside(fields, since, ALL_FIELDS),
            _beside(found.answered / (len(found.judgements) or 1), since, ANSWERED),
            f"{seen.caught:,} of {seen.wrong:,}",
            f"{seen.held_back:,} of {seen.right:,}",
            "unknown" if cost is None else money(cost, estimated=one.cost.cost_estimated),
            f"{one.minutes:.1f}",
        )
    return table


def _beside(share: float | None, since: Difference | None, name: str) -> str:
    figure = next((each for each in since.figures if each.name == name), None) if since else None
    return f"{percent(share)}\n{points(figure)}" if figure else percent(share)


def _changes(title: str, changes: Sequence[Change]) -> Iterator[RenderableType]:
    if not changes:
        yield Text(f"\nnothing got {title}")
        return
    table = _titled(f"{title}: {len(changes):,}", "document", "value", "before", "after")
    for each in islice(changes, MOST_LISTED):
        table.add_row(plain(each.document), plain(each.path), plain(each.before), plain(each.after))
    yield table
    yield from _more_than(len(changes), "--json")


def _more_than(many: int, option: str) -> Iterator[Text]:
    if many > MOST_LISTED:
        yield Text(f"… and {many - MOST_LISTED:,} more: {option} has them all", style="dim")


def _confused(counted: Counter[tuple[str, str | None]]) -> Table:
    table = _titled("labels that were taken for others", "label", "taken for", "documents")
    others = [(pair, many) for pair, many in counted.most_common() if pair[0] != pair[1]]
    for (wanted, got), many in others[:MOST_LISTED]:
        table.add_row(plain(wanted), plain(got or NO_LABEL), f"{many:,}")
    return table


def _shaded(many: int, share: float, *, right: bool) -> Text:
    """Write a count the more strongly coloured the more of its row it is."""
    if not many:
        return Text("·", style="dim")
    strength = "bold " if share >= 0.5 else ""
    return Text(f"{many:,}", style=f"{strength}{'green' if right else 'red'}")


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for index, name in enumerate(names):
        table.add_column(name, justify="right" if index else "left")
    return table


def _titled(title: str, *names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title=f"\n{title}", title_style="bold")
    table.title_justify = "left"
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _cells(score: Score) -> list[str]:
    accuracy = "-" if score.accuracy is None else f"{100 * score.accuracy:.0f} %"
    return [str(score.right), str(score.wrong), str(score.missing), accuracy]


def _more(score: Score) -> list[str]:
    return [percent(share) for share in (score.precision, score.recall, score.f1)]
