"""`docmill.results`: outcomes and typed rows of a results database as objects."""

import datetime
from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest

import docmill
from docmill.flows.api.results import Stored
from docmill.schemas.outcome import Outcome, Run, StepOutcome
from docmill.schemas.pipeline import Into
from docmill.schemas.tool import ToolSchema
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.gone import settle
from docmill.tasks.sinks.results import Results

PROPERTIES = {
    "total": {"type": "number"},
    "due": {"type": "string", "format": "date"},
    "paid": {"type": "boolean"},
    "lines": {"type": "array"},
    "odd % name": {"type": "integer"},
}
RECORD = {"total": 318.4, "due": "2026-01-31", "paid": True, "lines": ["a"], "odd % name": 1}
SCHEMA = ToolSchema(
    id="bill", name="bill", description="Bill.", parameters={"type": "object", "properties": PROPERTIES}
)


def outcome(document_id: str, status: str = "done", schema: str = "bill") -> Outcome:
    done = status == "done"
    return Outcome.model_validate(
        {
            "document_id": document_id,
            "uri": f"file:///{document_id}",
            "content_sha256": "c",
            "status": status,
            "record": RECORD if done else None,
            "label": "invoice",
            "steps": {"extract": StepOutcome(status="done", sha256="s", output=RECORD)},
            "typed": {schema: RECORD} if done else {},
            "cost_usd": 0.25,
        }
    )


def fill(url: str, pipeline: str, *outcomes: Outcome, table: str | None = None, schema: str = "bill") -> None:
    """Store a pipeline's outcomes as a run does."""
    opened = Results.open(Into(url=url, table=table), pipeline, {schema: SCHEMA})
    fixed = {"pipeline": pipeline, "pipeline_sha256": "p", "endpoint": "e", "model": "m"}
    run = Run.model_validate({"run_id": f"run {pipeline}", "started_at": datetime.datetime.now(UTC), **fixed})
    opened.begin(run)
    opened.write(outcomes, run.run_id, "p")
    opened.close()


@pytest.fixture
def stored(database: str) -> Iterator[Stored]:
    fill(database, "in-box", outcome("b"), outcome("a"), outcome("c", "invalid"))
    fill(database, "other", outcome("z"), table="bills")
    with docmill.results(database) as opened:
        yield opened


def test_outcomes_come_as_frozen_models_in_their_order(stored: Stored):
    outcomes = list(stored.outcomes())
    assert [(each.pipeline, each.document_id) for each in outcomes] == [
        ("in-box", "a"),
        ("in-box", "b"),
        ("in-box", "c"),
        ("other", "z"),
    ]
    first = outcomes[0]
    assert (first.status, first.label, first.record, first.run_id) == (
        "done",
        "invoice",
        RECORD,
        "run in-box",
    )
    assert (first.cost_usd, first.steps["extract"].output) == (0.25, RECORD)
    assert first.updated_at.utcoffset() == datetime.timedelta(0)
    with pytest.raises(ValueError, match="frozen"):
        first.status = "failed"  # type: ignore[misc]


def test_since_when_a_document_is_gone_is_told_in_utc(database: str):
    fill(database, "p", outcome("a"))
    opened = ReviewedResults.reopen(Into(url=database), "p", {})
    settle(opened, "mark", set[str]().__contains__, datetime.datetime.now(UTC))
    opened.close()
    with docmill.results(database) as stored:
        [gone] = stored.outcomes()
    assert gone.gone_at is not None
    assert gone.gone_at.utcoffset() == datetime.timedelta(0)


def test_outcomes_are_of_one_pipeline_and_one_status(stored: Stored):
    assert [each.document_id for each in stored.outcomes(pipeline="other")] == ["z"]
    assert [each.document_id for each in stored.outcomes(status="invalid")] == ["c"]
    assert list(stored.outcomes(pipeline="none")) == []


def test_typed_rows_come_as_python_values(stored: Stored):
    first, second = stored.rows("in-box", "bill")
    own = {"document_id": "a", "content_sha256": "c", "run_id": "run in-box"}
    assert first == {**own, **RECORD, "due": datetime.date(2026, 1, 31)}
    assert second["document_id"] == "b"


def test_decimals_come_alike_from_every_database(database: str):
    amount = {"type": "object", "properties": {"a": {"type": "number", "multipleOf": 1e-12}}}
    tool = ToolSchema(id="bill", name="bill", description="Bill.", parameters=amount)
    opened = Results.open(Into(url=database), "p", {"bill": tool})
    values = [0.1, 3, 1e-12, 1e20]
    typed = [outcome(str(n)).model_copy(update={"typed": {"bill": {"a": a}}}) for n, a in enumerate(values)]
    opened.write(typed, "r", "p")
    opened.close()
    with docmill.results(database) as stored:
        assert [row["a"] for row in stored.rows("p", "bill")] == [
            Decimal("0.1"),
            Decimal(3),
            Decimal("1e-12"),
            Decimal("1e20"),
        ]


def test_the_one_table_that_into_names_is_found_by_its_name(stored: Stored):
    assert [row["document_id"] for row in stored.rows("other", "bills")] == ["z"]


def test_a_table_that_is_not_there_is_told_with_those_that_are(stored: Stored):
    with pytest.raises(docmill.ConfigError, match="no table of bil: there are in_box__bill"):
        list(stored.rows("in-box", "bil"))
    with pytest.raises(docmill.ConfigError, match="it has no typed table"):
        list(stored.rows("none", "bill"))


def test_another_pipelines_table_is_not_given(stored: Stored):
    with pytest.raises(docmill.ConfigError, match="no table of bills"):
        list(stored.rows("in-box", "bills"))


def test_a_status_that_is_none_is_told(stored: Stored):
    with pytest.raises(docmill.ConfigError, match="there is no 'dune'; did you mean done"):
        list(stored.outcomes(status="dune"))  # type: ignore[arg-type]


def test_it_can_be_closed_without_a_block(database: str):
    fill(database, "p", outcome("a"))
    stored = docmill.results(database)
    assert len(list(stored.outcomes())) == 1
    stored.close()


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path):
    with pytest.raises(docmill.ConfigError, match="there is no results database"):
        docmill.results(f"sqlite:///{tmp_path}/none.db")
    assert not list(tmp_path.iterdir())


def test_a_database_without_results_is_told(tmp_path: Path):
    (tmp_path / "empty.db").touch()
    with pytest.raises(docmill.ConfigError, match="holds no results"):
        docmill.results(f"sqlite:///{tmp_path}/empty.db")


def test_what_is_no_database_is_told(tmp_path: Path):
    (tmp_path / "text.db").write_text("this is no database at all" * 100)
    with pytest.raises(docmill.ConfigError, match="cannot be opened"):
        docmill.results(f"sqlite:///{tmp_path}/text.db")
    with pytest.raises(docmill.ConfigError, match="not a database's URL"):
        docmill.results("results.db")


def test_a_password_is_not_shown():
    with pytest.raises(docmill.ConfigError) as caught:
        docmill.results("postgresql://me:hidden-word@127.0.0.1:9/none")
    assert "hidden-word" not in str(caught.value)
