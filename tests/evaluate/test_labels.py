"""Labels from CSV, JSONL and tables: the same truths, and errors with their place."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from docmill.flows.evaluate.evaluation import compare
from docmill.flows.evaluate.fields import Field, of_schema
from docmill.flows.evaluate.labels.source import labels_of, named, sha256
from docmill.schemas.errors import ConfigError
from docmill.schemas.evaluate import LabelsQuery
from tests.evaluate.test_judging import SCHEMA

FIELDS: Field = of_schema(SCHEMA)
TRUE: dict[str, Any] = {
    "number": "RE-7",
    "vendor": {"name": "Ada"},
    "lines": [{"item": "Oak", "amount": 1130.5}, {"item": "Ash", "amount": 2}],
}
OUTCOME = {"document_id": "in/1.txt", "status": "done", "label": "bill", "record": TRUE}


def written(folder: Path, name: str, said: str) -> Path:
    file = folder / name
    file.write_text(said, encoding="utf-8")
    return file


def all_right(source: Any) -> bool:
    found = compare([OUTCOME], source, FIELDS)
    return found.label.right == 1 and all(each.wrong == each.missing == 0 for each in found.fields.values())


@pytest.mark.parametrize(
    "row",
    [
        TRUE,
        {"number": "RE-7", "vendor.name": "Ada", "lines": TRUE["lines"]},
        {"number": "RE-7", "lines.0.item": "Oak", "lines.0.amount": 1130.5, "lines[1].item": "Ash"},
    ],
    ids=["nested", "dotted", "rows by number"],
)
def test_a_line_of_json_says_fields_nested_or_by_their_paths(tmp_path: Path, row: dict[str, Any]):
    line = json.dumps({"document": "1.txt", "label": "bill", **row})
    file = written(tmp_path, "truth.jsonl", f"\ufeff{line}\n\n")
    [truth] = labels_of(file, FIELDS)
    assert (truth.document, truth.label, truth.place) == ("1.txt", "bill", f"{file}:1")
    assert truth.fields["number"] == "RE-7"
    assert all_right(file) is True


def test_a_column_may_be_a_path(tmp_path: Path):
    head = "document,label,vendor.name,lines.0.item,lines.0.amount,lines.1.item"
    file = written(tmp_path, "t.csv", f'{head}\n1.txt,bill,Ada,Oak,"1.130,50",Ash\n2.txt,,,Oak,1,\n')
    first, second = labels_of(file, FIELDS)
    assert first.fields == {
        "vendor": {"name": "Ada"},
        "lines": [{"item": "Oak", "amount": "1.130,50"}, {"item": "Ash"}],
    }
    assert second.fields == {"lines": [{"item": "Oak", "amount": "1"}]}  # an empty cell asks nothing
    file.write_text("\n".join(file.read_text().splitlines()[:2]))
    assert all_right(file)


def test_a_cell_may_hold_the_json_of_rows(tmp_path: Path):
    rows = json.dumps(TRUE["lines"]).replace('"', '""')
    assert all_right(written(tmp_path, "t.csv", f'document,label,lines\n1.txt,bill,"{rows}"\n'))


def test_a_table_has_the_columns_of_a_file(database: str):
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("create table truth (id text, kind text, name text, amount numeric(9, 2))"))
        connection.execute(text("insert into truth values ('1.txt', 'bill', 'Ada', 1130.50)"))
        connection.execute(text("insert into truth values ('2.txt', 'bill', null, null)"))
    engine.dispose()
    columns = 'id as document, kind as label, name as "vendor.name", amount as "lines.0.amount"'
    source = LabelsQuery(url=database, query=f"select {columns} from truth order by id")
    found = compare([OUTCOME], source, FIELDS)
    assert (found.label.right, found.label.missing) == (1, 1)
    assert (found.fields["vendor.name"].right, found.fields["vendor.name"].missing) == (1, 0)
    assert found.fields["lines[].amount"].right == 1
    assert found.fields["lines[].amount"].spurious == 1  # the row that the label does not name
    with pytest.raises(ConfigError, match=r"^labels.query: there is no column 'document': columns are id$"):
        labels_of(LabelsQuery(url=database, query="select id from truth"), FIELDS)
    with pytest.raises(ConfigError, match=r"^labels.query: .*nowhere"):
        labels_of(LabelsQuery(url=database, query="select * from nowhere"), FIELDS)


def test_a_row_of_a_table_that_names_no_document_is_refused(tmp_path: Path):
    with sqlite3.connect(tmp_path / "t.db") as connection:
        connection.execute("create table t as select null as document, 'a' as label")
    connection.close()
    source = LabelsQuery(url=f"sqlite:///{tmp_path}/t.db", query="select * from t")
    with pytest.raises(ConfigError, match=r"^labels.query: row 1 names no document$"):
        labels_of(source, FIELDS)


def test_a_database_that_is_not_there_is_told(tmp_path: Path):
    source = LabelsQuery(url=f"sqlite:///{tmp_path}/none.db", query="select 1")
    with pytest.raises(ConfigError, match=r"^labels.url: there is no file"):
        labels_of(source, FIELDS)


def test_a_password_is_never_named():
    source = LabelsQuery.model_construct(url="postgresql://u:secret@h/db", query="select\n 1")
    assert named(source) == "postgresql+psycopg://u:***@h/db: select 1"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", ":2: not JSON: "),
        ('{"document": "1", "number": "7", "number": "8"}', ":2: not JSON: duplicate key 'number'"),
        ("[1]", ":2: must be an object, not "),
        ('{"label": "a"}', ":2: 'document' must be a text"),
        ('{"document": 1}', ":2: 'document' must be a text"),
        ('{"document": "1", "label": 2}', ":2: 'label' must be a text, not "),
        ('{"document": "1", "numbr": 2}', ":2: 'numbr' is no field of a record; did you mean number?"),
        (
            '{"document": "1", "vendor": {"nmae": 2}}',
            ":2: 'vendor.nmae' is no field of a record; did you mean name?",
        ),
        (
            '{"document": "1", "lines": [{"itme": 2}]}',
            ":2: 'lines[].itme' is no field of a record; did you mean item?",
        ),
        (
            '{"document": "1", "vendor": 1, "vendor.name": 2}',
            ":2: 'vendor' is given as a whole",
        ),
        ('{"document": "1", "lines": [], "lines.0.item": 2}', ":2: 'lines' is given as a whole and in parts"),
        ('{"document": "1", "lines[0].item": 1, "lines.0.item": 2}', ":2: 'lines.0.item' is given twice"),
        ('{"document": "1", "lines.0.itme": 2}', ":2: 'lines.0.itme' is no field of a record"),
        ('{"document": "1", "lines.first.item": 2}', ":2: 'lines.first.item' is no field of a record"),
    ],
)
def test_what_is_no_label_is_refused_with_its_line(tmp_path: Path, line: str, said: str):
    file = written(tmp_path, "t.jsonl", f'{{"document": "0"}}\n{line}\n')
    with pytest.raises(ConfigError) as caught:
        labels_of(file, FIELDS)
    assert str(caught.value).startswith(f"{file}{said}")


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str):
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        labels_of(tmp_path / name, FIELDS)
    (tmp_path / name).write_bytes(b"document\n\xff\xfe\n")
    with pytest.raises(ConfigError, match="in UTF-8"):
        labels_of(tmp_path / name, FIELDS)


def test_a_line_separator_within_a_text_ends_no_line(tmp_path: Path):
    file = written(tmp_path, "t.jsonl", '{"document": "1", "number": "a\u2028b"}\n')
    assert labels_of(file, FIELDS)[0].fields == {"number": "a\u2028b"}


def test_labels_that_say_the_same_have_one_hash(tmp_path: Path):
    first = written(tmp_path, "a.jsonl", '{"document": "1", "number": "7", "vendor": {"name": "x"}}\n')
    second = written(tmp_path, "b.jsonl", '{"vendor.name": "x", "number": "7", "document": "1"}\n')
    other = written(tmp_path, "c.jsonl", '{"document": "1", "number": "8"}\n')
    hashes = [sha256(labels_of(each, FIELDS)) for each in (first, second, other)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_comparison_of_a_field_that_there_is_not_is_refused(tmp_path: Path):
    file = written(tmp_path, "t.csv", "document\n1\n")
    with pytest.raises(ConfigError, match=r"^evaluate.compare: 'vendr' is no field of a record; did you"):
        compare([], file, FIELDS, {"vendr": "exact"})
    compare([], file, FIELDS, {"lines[].amount": "number 0.01", "vendor.name": "text", "*": "exact"})
