"""Queries as sources: what is read, what is wrong with one before anything is read, and that none writes."""

from hashlib import sha256
from pathlib import Path

import pytest

from docmill.schemas.errors import ConfigError
from tests.support.tickets import POSTGRES, asked, ids, numbered, read, refusal, rows_of, table, tell


def test_a_row_is_a_document(database: str):
    table(database, [(7, "Late", "My parcel\r\nis late.\x07 ")])
    [ref] = read(rows_of(database))
    document = ref.read()
    assert document.text == "Late\n\nMy parcel\nis late."
    assert document.document_id == "7"
    assert document.content_sha256 == ref.sha256() == sha256(document.text.encode()).hexdigest()
    assert document.uri.endswith("#7")
    assert document.uri.startswith(database.partition("?")[0].replace(":@", ":***@"))


def test_an_address_shows_no_password_and_no_option(database: str):
    table(database, [("ä/1", "s", "b")], key="text")
    declared = rows_of(database)
    [ref] = read(declared)
    assert ref.uri.endswith("#%C3%A4%2F1")
    assert "?" not in ref.uri


def test_a_query_is_taken_as_it_is_written(database: str):
    table(database, numbered(3))
    query = "select id, '100% :sure' as subject, body from tickets where subject like '%ject 2';"
    [ref] = read(rows_of(database, query))
    assert ref.read().text == "100% :sure\n\nbody 2"


def test_a_join_of_two_tables(database: str):
    table(database, numbered(2))
    tell(
        database,
        "create table customers (id bigint, name text)",
        "insert into customers values (1, 'Ada'), (2, 'Bob')",
    )
    query = "select t.id, t.subject, c.name from tickets t join customers c on c.id = t.id order by t.id"
    texts = [ref.read().text for ref in read(rows_of(database, query, text="{{ name }}: {{ subject }}"))]
    assert texts == ["Ada: subject 1", "Bob: subject 2"]


def test_columns_of_one_name_are_refused_where_they_are_used(database: str):
    table(database, numbered(1))
    query = "select a.id, b.id, a.subject, b.subject, b.body from tickets a join tickets b on a.id = b.id"
    assert refusal(rows_of(database, query)) == (
        "rows.key: the query has 2 columns 'id': name each differently with AS"
    )
    query = "select a.id, a.subject, b.subject, b.body from tickets a join tickets b on a.id = b.id"
    assert "rows.text: the query has 2 columns 'subject'" in refusal(rows_of(database, query))
    assert ids(rows_of(database, query, text="{{ body }}")) == ["1"]


WRONG = {
    "no such table": ({"query": "select * from tikets"}, "rows.query: .*tikets"),
    "no SQL": ({"query": "selct 1"}, "rows.query: .*selct"),
    "no such column": ({"query": "select nope from tickets"}, "rows.query: .*nope"),
    "a key that is no column": (
        {"key": "idd"},
        "rows.key: the query has no column 'idd'; did you mean id\\?",
    ),
    "a key far from any": (
        {"key": "number"},
        "rows.key: the query has no column 'number'; known: id, subject, body",
    ),
    "a text that is no template": ({"text": "a\n{{ subject"}, "rows.text: line 2: unexpected end of templat"),
    "a name that is no column": (
        {"text": "{{ subjekt }}"},
        "rows.text: the query has no column 'subjekt'; did you mean subject\\?",
    ),
    "an unknown filter": ({"text": "{{ subject|nope }}"}, "rows.text: line 1: No filter named 'nope'"),
    "another template": ({"text": "{% include 'x' %}"}, "rows.text: other templates cannot be included"),
}


@pytest.mark.parametrize(("keys", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_before_anything_is_read(database: str, keys: dict[str, str], said: str):
    table(database, numbered(1))
    with pytest.raises(ConfigError, match=said) as caught, rows_of(database, **keys).opened():
        pass
    assert "\n" not in str(caught.value)


WRONG_URLS = {
    "no URL": ("nonsense", "not a database's URL"),
    "in memory": ("sqlite://", "in memory has no tables"),
    "no such file": ("sqlite:///nowhere.db", "there is no file 'nowhere.db' below"),
    "no server": ("postgresql://u:geheim@127.0.0.1:1/x", "cannot be opened"),
    "an unknown option": ("postgresql://u:geheim@127.0.0.1:1/x?colour=red", "cannot be opened"),
    "a driver that is missing": ("mysql://h/db", "'MySQLdb' is not installed: .* package mysqlclient"),
    "a dialect that is missing": ("trino://h/db", "'trino' is not installed: .* package trino"),
    "no such DuckDB file": ("duckdb:///x.duckdb", "there is no file 'x.duckdb' below"),
    "an unknown dialect": ("oracel://h/db", "'oracel' is no database; did you mean oracle"),
    "a file": ("csv://tickets.csv", "'csv' is no database; known: sqlite, postgresql, mysql"),
    "another name of postgresql": ("postgres://u:geheim@h/db", "write postgresql:// where it says postgres:"),
    "an asynchronous driver": ("sqlite+aiosqlite:///x.db", "is asynchronous"),
}


@pytest.mark.parametrize(("url", "said"), WRONG_URLS.values(), ids=WRONG_URLS)
def test_what_cannot_be_opened_is_a_wrong_configuration(
    url: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=f"^rows.url: .*{said}") as caught, rows_of(url).opened():
        pass
    assert "geheim" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []  # SQLite would make the file


@POSTGRES
def test_postgresqls_own_url_means_psycopg(database: str):
    table(database, numbered(2))
    assert len(ids(rows_of(database.replace("postgresql+psycopg:", "postgresql:")))) == 2


def test_a_query_writes_nothing(database: str):
    table(database, numbered(2))
    assert "rows.query: " in refusal(rows_of(database, "delete from tickets returning id, subject, body"))
    assert "rows.query: " in refusal(rows_of(database, "delete from tickets"))
    assert asked(database, "select count(*) from tickets") == [(2,)]


@POSTGRES
def test_a_function_that_writes_is_refused(database: str):
    table(database, numbered(2))
    tell(
        database,
        "create function wipe() returns text language sql as $$ delete from tickets; select 'x' $$",
    )
    assert "read-only transaction" in refusal(
        rows_of(database, "select id, wipe() as subject, body from tickets")
    )
    assert asked(database, "select count(*) from tickets") == [(2,)]


def test_a_source_without_rows(database: str):
    table(database, [])
    source = rows_of(database)
    with source.opened() as refs:
        assert list(refs) == []
        assert source.count() == 0
        assert source.first_key() is None
    assert "gives no row" in source.nothing()


def test_rows_are_counted_while_they_are_read_and_beside_it(database: str):
    table(database, numbered(30))
    source = rows_of(database)
    assert source.count() == 30
    with source.opened() as refs:
        next(refs)
        assert source.count() == 30
        assert len(list(refs)) == 29


@POSTGRES
def test_a_value_that_the_database_refuses_is_not_repeated(database: str):
    table(database, [(1, "my secret", "b")])
    said = refusal(rows_of(database, "select subject::integer as id, subject, body from tickets"))
    assert said == "rows.query: InvalidTextRepresentation"
