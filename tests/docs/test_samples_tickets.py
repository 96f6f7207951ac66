"""The sample of tickets: one CSV, and the table and the labels that its script makes of it."""

import csv
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
TICKETS = ROOT / "samples" / "tickets.csv"
COLUMNS = ["id", "created", "customer", "product", "subject", "body"]


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database that the script has made, with its labels beside it."""
    file = tmp_path / "made.sqlite"
    _make(file)
    return file


def _make(file: Path) -> str:
    command = [sys.executable, str(ROOT / "samples" / "tickets.py"), str(file)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_there_are_200_tickets_of_five_categories_of_about_the_same_size():
    assert [row["id"] for row in _rows(TICKETS)] == [str(number) for number in range(1, 201)]
    sizes = Counter(row["category"] for row in _rows(TICKETS))
    assert len(sizes) == 5
    assert all(35 <= size <= 45 for size in sizes.values())


def test_the_first_20_hold_every_category():
    first = Counter(row["category"] for row in _rows(TICKETS)[:20])
    assert first.keys() == {row["category"] for row in _rows(TICKETS)}
    assert min(first.values()) >= 3


def test_no_two_tickets_say_the_same():
    for column in ("subject", "body"):
        texts = [row[column].casefold() for row in _rows(TICKETS)]
        assert [text for text, times in Counter(texts).items() if times > 1] == []


def test_the_database_holds_the_tickets_without_their_category(database: Path):
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute("SELECT * FROM tickets ORDER BY id")
        assert [column[0] for column in found.description] == COLUMNS
        assert [[str(cell) for cell in row] for row in found] == [
            [row[name] for name in COLUMNS] for row in _rows(TICKETS)
        ]


def test_the_id_is_the_tables_key(database: Path):
    with closing(sqlite3.connect(database)) as connection:
        key = connection.execute("SELECT name, type FROM pragma_table_info('tickets') WHERE pk").fetchall()
    assert key == [("id", "INTEGER")]


def test_the_labels_are_the_categories(database: Path):
    labels = _rows(database.with_name("made-labels.csv"))
    assert labels == [{"document": row["id"], "label": row["category"]} for row in _rows(TICKETS)]


def test_made_again_it_is_the_same_and_nothing_else_is_left(database: Path):
    before = database.read_bytes()
    assert str(database) in _make(database)
    assert database.read_bytes() == before
    assert sorted(file.name for file in database.parent.iterdir()) == ["made-labels.csv", "made.sqlite"]


def test_the_pipelines_labels_are_the_categories():
    assert _examples().keys() == {row["category"] for row in _rows(TICKETS)}


def test_no_example_of_a_label_is_taken_from_a_ticket():
    texts = [f"{row['subject']}\n{row['body']}" for row in _rows(TICKETS)]
    for examples in _examples().values():
        for sentence in ". ".join(examples).replace("\n", ". ").split(". "):
            assert len(sentence) < 20 or not any(sentence in text for text in texts), sentence


def _examples() -> dict[str, list[str]]:
    declared = YAML(typ="safe").load(ROOT / "flows" / "pipelines" / "tickets.yaml")
    [labels] = [step["classify"]["labels"] for step in declared["steps"] if "classify" in step]
    return {name: label["examples"] for name, label in labels.items()}
