"""Files of rows: CSV, JSON lines, Parquet and Excel, what is wrong with them, and what no query can reach."""

import gzip
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from docmill.schemas.errors import ConfigError, StorageError
from docmill.schemas.pipeline import Rows as Declared
from docmill.tasks.sources.parsing import process
from docmill.tasks.sources.parsing.reasons import Reason
from docmill.tasks.sources.reading import RowRef
from docmill.tasks.sources.rows import Rows
from tests.support.bombs import BOMBS
from tests.support.s3 import Bucket, bucket, s3_server
from tests.support.tickets import fault, ids, read, refusal

__all__ = ["bucket", "s3_server"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows_of(*files: str, text: str = "{{ body }}", **keys: Any) -> Rows:
    return Rows(Declared.model_validate({"files": files, "key": "id", "text": text, **keys}))


def texts(source: Rows) -> dict[str, str]:
    return {ref.document_id: ref.text for ref in read(source)}


def parquet(path: str, query: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{path}'")


def sheet(path: str, *rows: tuple[Any, ...], title: str = "Sheet") -> None:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)


TWO = """select * from (values (1, 'a\n"b"'), (2, 'ä')) t(id, body)"""
WRITTEN: dict[str, Callable[[], object]] = {
    "t.csv": lambda: Path("t.csv").write_text('id,body\n1,"a\n""b"""\n2,ä\n'),
    "t.tsv": lambda: Path("t.tsv").write_text('\ufeffid\tbody\r\n1\t"a\n""b"""\r\n2\tä\r\n'),
    "t.csv.gz": lambda: Path("t.csv.gz").write_bytes(gzip.compress('id;body\n1;"a\n""b"""\n2;ä'.encode())),
    "t.jsonl": lambda: Path("t.jsonl").write_text('{"id": 1, "body": "a\\n\\"b\\""}\n{"body": "ä", "id": 2}'),
    "t.parquet": lambda: parquet("t.parquet", TWO),
    "t.xlsx": lambda: sheet("t.xlsx", ("id", "body"), (1, 'a\n"b"'), (None, None), (2, "ä")),
    "a [1] *.csv": lambda: Path("a [1] *.csv").write_text('id,body\n1,"a\n""b"""\n2,ä\n'),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_the_rows_of_a_file_are_documents(name: str):
    WRITTEN[name]()
    pattern = "a*.csv" if "*" in name else name
    assert texts(rows_of(pattern)) == {"1": 'a\n"b"', "2": "ä"}


def test_files_of_all_kinds_are_one_table():
    for name in ("t.jsonl", "t.xlsx", "t.parquet"):
        WRITTEN[name]()
    Path("u.csv").write_text("body,more,id\nx,y,3\n")
    found = read(rows_of("t.*", "*.csv", query="select id || more as id, body from rows where more = 'y'"))
    assert [ref.document_id for ref in found] == ["3y"]
    assert len(read(rows_of("t.*"))) == 6


def test_a_row_has_an_address():
    WRITTEN["t.csv"]()
    assert read(rows_of("*.csv"))[0].uri == "*.csv#1"


def test_keys_have_the_type_of_their_column():
    parquet("k.parquet", "select 7::bigint as id, 'b' as body")
    sheet("k.xlsx", ("id", "body"), (7, "b"))
    Path("k.jsonl").write_text('{"id": 7, "body": "b"}')
    for name in ("k.parquet", "k.xlsx", "k.jsonl"):
        source = rows_of(name)
        with source.opened():
            assert source.first_key() == 7


def test_csv_values_are_the_texts_that_stand_there():
    Path("t.csv").write_text("id,body,day\n007,1e3,01.02.2026\n")
    assert texts(rows_of("t.csv", text="{{ body }} {{ day }}")) == {"007": "1e3 01.02.2026"}


VALUES = {
    "1.1::float": "1.1",
    "12.30::decimal(9,2)": "12.30",
    "170141183460469231731687303715884105727::hugeint": "1.7014118346046923e+38",
    "interval '1 month 2 days'": "1 month 2 days",
    "date '2026-01-02'": "2026-01-02",
    "date 'infinity'": "infinity",
    "timestamp '294000-01-01 00:00:00'": "294000-01-01 00:00:00",
    "timestamptz '2026-01-02 10:00:00+02'": "2026-01-02 08:00:00+00:00",
    "time '24:00:00'": "24:00:00",
    "[1, 2]": "[1, 2]",
    "{'a': 'ä'}": '{"a": "ä"}',
    "null::int": "",
    "timestamp_ns '2026-01-02 10:00:00.123456789'": "2026-01-02 10:00:00.123456789",
}


@pytest.mark.parametrize(("value", "written"), VALUES.items(), ids=VALUES)
def test_values_are_written_as_they_are(value: str, written: str):
    parquet("v.parquet", f"select 1 as id, {value} as value")
    assert texts(rows_of("v.parquet", text="={{ value }}")) == {"1": f"={written}"}


def test_texts_of_json_lines_are_no_dates_and_numbers_are_not_rounded():
    lines = [
        {"id": 1, "body": "2026-01-02T10:00:00Z", "n": 18446744073709551615, "any": 1},
        {"id": -2, "body": "C45F6F83-9EE3-471F-B849-18E06211149E", "n": None, "any": {"a": [1.5]}},
    ]
    Path("t.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert texts(rows_of("t.jsonl", text="{{ body }} {{ n }} {{ any }}")) == {
        "1": "2026-01-02T10:00:00Z 18446744073709551615 1",
        "-2": 'C45F6F83-9EE3-471F-B849-18E06211149E  {"a": [1.5]}',
    }


def test_a_sheet_is_named():
    book = openpyxl.Workbook()
    book.create_sheet("Mail").append(("id", "body", "on"))
    book["Mail"].append((1, "x", datetime(2026, 1, 2)))
    book.save("b.xlsx")
    assert texts(rows_of("b.xlsx", sheet="Mail", text="{{ body }} {{ on }}")) == {"1": "x 2026-01-02"}
    assert refusal(rows_of("b.xlsx", sheet="Mial")) == (
        "rows.sheet: b.xlsx has no sheet 'Mial'; did you mean Mail?"
    )


def test_a_sheet_without_rows_is_an_empty_source():
    sheet("t.xlsx", ("id", "body"))
    assert texts(rows_of("t.xlsx")) == {}
    Path("t.jsonl").write_text('{"id": 1, "body": "a"}')
    assert texts(rows_of("t.*")) == {"1": "a"}


def test_a_column_without_a_name_is_none():
    sheet("t.xlsx", (" ", "id", None, "body"), ("x", 1, "y", "a"))
    assert texts(rows_of("t.xlsx")) == {"1": "a"}


def test_an_encrypted_workbook_is_said_to_be_that():
    Path("t.xlsx").write_bytes(b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"))
    assert "encrypted: save it without a password" in refusal(rows_of("t.xlsx"))


def test_a_broken_record_of_csv_fails_alone():
    Path("t.csv").write_bytes(b'id,body\n1,a\n2\n3,b,c\n4,caf\xe9\n5,d\n6,"e\n')
    found = {ref.document_id: ref for ref in read(rows_of("t.csv"))}
    assert list(found) == ["1", "5", "t.csv#3", "t.csv#4", "t.csv#5", "t.csv#7"]
    said = [fault(found[f"t.csv#{record}"]) for record in (3, 4, 5, 7)]
    assert said == [
        "record 3 of t.csv is no row: it has fewer columns than the header",
        "record 4 of t.csv is no row: it has more columns than the header",
        "record 5 of t.csv is no row: it is not UTF-8: save the file so",
        "record 7 of t.csv is no row: a quote in it is not closed: what follows in the file is not read",
    ]


def test_a_query_that_reads_no_csv_has_no_broken_record():
    WRITTEN["t.csv"]()
    assert texts(rows_of("t.csv", query="select 1 as id, 'x' as body")) == {"1": "x"}


HOSTILE = {
    "xlsx: a billion laughs": Reason.DAMAGED,
    "xlsx: row 10,000,000,000": Reason.DAMAGED,
    "xlsx: column ZZZZZZZ": Reason.DAMAGED,
}


@pytest.mark.parametrize(("name", "reason"), HOSTILE.items(), ids=HOSTILE)
def test_a_workbook_that_is_a_bomb_is_told(name: str, reason: Reason):
    Path("t.xlsx").write_bytes(BOMBS[name][1]())
    assert refusal(rows_of("t.xlsx")) == f"rows.files: t.xlsx: {reason}"


LIES = {
    "nothing": "",
    "text": "out.write(b'text\\0\\0' + b'\\0\\0\\0\\x02' + b'[]')",
    "names that are none": "out.write(b'names\\0' + b'\\0\\0\\0\\x03' + b'[1]')",
    "no JSON": "out.write(b'names\\0' + b'\\0\\0\\0\\x01' + b'[')",
    "no lines": "out.write((b'names\\0' + b'\\0\\0\\0\\x02' + b'[]') * 2)",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_what_the_reader_of_a_workbook_says_is_not_trusted(lie: str, monkeypatch: pytest.MonkeyPatch):
    WRITTEN["t.xlsx"]()
    program = f"import sys; out = sys.stdout.buffer; sys.stdin.buffer.read(10); {lie}; out.flush()"
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", program))
    assert refusal(rows_of("t.xlsx")) == f"rows.files: t.xlsx: {Reason.DIED}"


ALONE = """
import sys
import tracemalloc
from pathlib import Path
from docmill.tasks.sources.tabular.workbook import write_lines
write_lines(Path("t.xlsx"), None, "t.xlsx", Path("lines"))
print("openpyxl" in sys.modules)
"""


def test_a_workbook_is_read_in_another_process():
    WRITTEN["t.xlsx"]()
    said = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"
    assert Path("lines").read_text().splitlines()[1] == '{"id": 2, "body": "ä"}'


def test_a_sheet_of_many_parts_is_read_whole():
    sheet("t.xlsx", ("id", "body"), *((number, "x" * 30_000) for number in range(100)))
    assert len(texts(rows_of("t.xlsx"))) == 100


UNNAMED = {
    "two keys of a line": ('{"id": 1, "body": "a", "BODY": "b"}', "has two columns 'body': rename one"),
    "keys of two lines": ('{"id": 1, "body": "a"}\n{"id": 2, "Body": "b"}', "has two columns"),
    "an empty key": ('{"id": 1, "": "a"}', "has an empty key, which names no column: give it a name"),
}


@pytest.mark.parametrize(("text", "said"), UNNAMED.values(), ids=UNNAMED)
def test_keys_that_make_no_columns_are_told(text: str, said: str):
    Path("a.jsonl").write_text('{"id": 0}\n')
    Path("b.jsonl").write_text(text)
    assert refusal(rows_of("a.jsonl", "b.jsonl", text="x")).startswith(f"rows.files: b.jsonl {said}")


@pytest.mark.parametrize("inner", ['{"": 1}', '{"a": 1, "A": 2}'])
def test_an_object_whose_keys_make_no_columns_is_kept_as_it_stands(inner: str):
    Path("t.jsonl").write_text(f'{{"id": 1, "body": {inner}}}\n')
    assert texts(rows_of("t.jsonl")) == {"1": inner}


@pytest.mark.parametrize("depth", [50, 51, 500, 100_000])
@pytest.mark.parametrize(("begin", "inmost", "end"), [("[", "", "]"), ('{"[": ', "1", "}")])
def test_what_is_nested_deeply_is_kept_as_it_stands(depth: int, begin: str, inmost: str, end: str):
    body = begin * depth + inmost + end * depth
    Path("t.jsonl").write_text(f'{{"id": 1, "body": {body}}}\n{{"id": 2, "body": "x"}}\n')
    found = texts(rows_of("t.jsonl"))
    assert found["1"].replace(" ", "") == body.replace(" ", "")
    assert found["2"] == "x"


def test_a_file_is_packed_where_its_name_says_so():
    packed = gzip.compress(b"id,body\n1,a\n")
    for name in ("T.CSV.GZ", "blob"):
        Path(name).write_bytes(packed)
    Path("link.csv.gz").symlink_to("blob")
    assert texts(rows_of("T.CSV.GZ")) == texts(rows_of("link.csv.gz")) == {"1": "a"}


@pytest.mark.parametrize(
    "content", [b"id,body\n1,a\n", gzip.compress(b"id,body\n", mtime=0)[:12], b"\x1f\x8b\x08"]
)
def test_what_is_no_gzip_file_is_told(content: bytes):
    Path("t.csv.gz").write_bytes(content)
    said = refusal(rows_of("t.csv.gz"))
    assert said == "rows.files: t.csv.gz is no gzip file, or a damaged one"


def test_a_broken_line_of_json_fails_alone():
    Path("t.jsonl").write_text('{"id": 1, "body": "a"}\n{"id": 2, "bo\n[3]\n{"id": 4, "body": "d"}\n')
    found = {ref.document_id: ref for ref in read(rows_of("t.jsonl"))}
    assert list(found) == ["1", "NULL#1", "NULL#2", "4"]
    assert fault(found["NULL#1"]) == "its key is NULL: a row needs a key"


def test_rows_of_one_key_fail_but_for_the_first():
    Path("t.csv").write_text("id,body\n1,a\n1,b\n,c\n")
    found = read(rows_of("t.csv"))
    assert [ref.document_id for ref in found] == ["1", "1#2", "NULL#1"]
    assert [ref.fault is None for ref in found] == [True, False, False]


WRONG = {
    "no file": ({}, "rows.files: 'x/\\*.csv' matches nothing: there is no directory", ["x/*.csv"]),
    "another kind": ({}, "rows.files: t.pdf: '.pdf' is no kind of file that rows are read from", ["t.pdf"]),
    "no suffix": ({}, "rows.files: t: has no suffix", ["t"]),
    "UTF-16": ({}, "rows.files: w.csv is UTF-16: save it as UTF-8", ["w.csv"]),
    "two columns of a name": ({}, "rows.files: d.csv has two columns 'ID': rename one", ["d.csv"]),
    "empty files": ({}, "rows.files: none of the files has a column", ["e.csv"]),
    "a damaged Parquet file": ({}, "rows.files: InvalidInputException", ["p.parquet"]),
    "a damaged workbook": ({}, "rows.files: p.xlsx: ", ["p.xlsx"]),
    "a link elsewhere": ({}, "rows.files: l.csv: a link that leads out of its directory", ["l*.csv"]),
    "no SQL": ({"query": "selct 1"}, "rows.query: .*selct", ["t.csv"]),
    "no SELECT": ({"query": "create table x(a int)"}, "rows.query: must be one SELECT", ["t.csv"]),
    "two": ({"query": "select 1; select 2"}, "rows.query: must be one SELECT", ["t.csv"]),
    "no such column": ({"query": "select nope from rows"}, "rows.query: .*nope", ["t.csv"]),
    "no key": ({"key": "idd"}, "rows.key: the query has no column 'idd'; did you mean id", ["t.csv"]),
    "a value": (
        {"query": "select body::int as id from rows"},
        "rows.query: ConversionException$",
        ["v.parquet"],
    ),
    "another store": ({}, "rows.files: 'ftp://h/x.csv' cannot be read", ["ftp://h/x.csv"]),
}


@pytest.mark.parametrize(("keys", "said", "files"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_before_anything_is_read(
    keys: dict[str, str], said: str, files: list[str], folder: Path
):
    WRITTEN["t.csv"]()
    for name in ("t.pdf", "t", "p.parquet", "p.xlsx"):
        Path(name).write_text("nothing")
    parquet("v.parquet", "select 'secret' as body")
    Path("w.csv").write_text("id,body", encoding="utf-16")
    Path("d.csv").write_text("ID,id\n")
    Path("e.csv").write_text("")
    Path("l.csv").symlink_to("/etc/passwd")
    with pytest.raises(ConfigError, match=f"^{said}") as caught, rows_of(*files, **keys).opened():
        pass
    assert "\n" not in str(caught.value)


REACHING = [
    "select 1 as id, content as body from read_text('{secret}')",
    "select 1 as id, * from read_csv('{secret}')",
    "select 1 as id, * from '{secret}'",
    "select 1 as id, file as body from glob('{folder}/*')",
    "select 1 as id, * from read_csv('t.csv/../secret.csv')",
    "select 1 as id, * from sqlite_scan('{secret}', 't')",
    "select 1 as id, * from read_csv('http://127.0.0.1:1/x.csv')",
    "select 1 as id, * from here",
]


@pytest.mark.parametrize("query", REACHING)
def test_a_query_reaches_no_other_file(query: str, folder: Path):
    WRITTEN["t.csv"]()
    secret = folder / "secret.csv"
    secret.write_text("body\nsecret\n")
    here = [("secret",)]
    assert here
    said = refusal(rows_of("t.csv", query=query.format(secret=secret, folder=folder)))
    assert said.startswith("rows.query: ")


@pytest.mark.parametrize("setting", ["enable_external_access=true", "allowed_paths=['/']", "threads=64"])
def test_a_query_changes_no_setting(setting: str):
    WRITTEN["t.csv"]()
    assert refusal(rows_of("t.csv", query=f"set {setting}")) == "rows.query: must be one SELECT"


def test_without_duckdb_the_package_is_named(monkeypatch: pytest.MonkeyPatch):
    WRITTEN["t.csv"]()
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert refusal(rows_of("t.csv")) == "rows.files: needs the package duckdb: pip install 'docmill[duckdb]'"


def test_objects_of_a_store_are_rows(bucket: Bucket):
    WRITTEN["t.parquet"]()
    bucket.put("t/a.parquet", Path("t.parquet").read_bytes())
    bucket.put("t/b.csv", "id,body\n3,c\n")
    bucket.put("t/empty.csv", "")
    assert texts(rows_of(f"{bucket.url}/t/*")) == {"1": 'a\n"b"', "2": "ä", "3": "c"}


def test_a_bucket_that_is_not_there_is_a_wrong_configuration(bucket: Bucket):
    said = refusal(rows_of("s3://no-such-bucket/t/*.parquet"))
    assert said == ("rows.files: 's3://no-such-bucket/t/*.parquet' cannot be read: there is no such bucket")


@pytest.mark.slow
def test_a_value_that_fails_in_the_middle_comes_after_the_rows_that_were_read():
    body = "repeat('x', 100) as pad, case when i < 199000 then '1' else 'secret' end as body"
    parquet("t.parquet", f"select i as id, {body} from range(200000) r(i)")
    source = rows_of("t.parquet", query="select id, pad, body::int as body from rows")
    found: list[RowRef] = []
    with source.opened() as refs:
        with pytest.raises(StorageError, match=r"ConversionException\. Run again") as caught:
            found.extend(refs)
        assert source.count() is None
    assert len(found) > 1000
    assert "secret" not in str(caught.value)


def test_a_value_of_csv_that_the_query_cannot_convert_fails_its_row_alone():
    Path("t.csv").write_text("id,body\n1,a\nx,b\n3,c\n")
    found = {
        ref.document_id: ref for ref in read(rows_of("t.csv", query="select id::int as id, body from rows"))
    }
    assert list(found) == ["1", "3", "t.csv#3"]
    assert fault(found["t.csv#3"]) == (
        "record 3 of t.csv is no row: a value is not of the type that the query gives it"
    )


# The peak of the process itself: what getrusage tells begins with the memory of who started it.
COUNTING = """
from pathlib import Path
from docmill.schemas.pipeline import Rows as Declared
from docmill.tasks.sources.reading import RowRef
from docmill.tasks.sources.rows import Rows
declared = Declared(files="m.parquet", key="id", text="{{ body }}")
with Rows(declared).opened() as refs:
    count = sum(1 for _ in refs)
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(count, int(peak.split()[1]) // 1024)
"""


@pytest.mark.slow
def test_a_million_rows_take_little_memory():
    parquet("m.parquet", "select i as id, repeat('x', 600) || i as body from range(1000000) r(i)")
    told = subprocess.run([sys.executable, "-c", COUNTING], capture_output=True, text=True, check=True)
    count, megabytes = map(int, told.stdout.split())
    assert count == 1_000_000
    assert megabytes < 600


def test_no_file_is_a_source_without_rows():
    source = rows_of("n*.csv")
    assert ids(source) == []
    assert source.count() == 0
    assert source.first_key() is None


def test_a_confined_source_follows_no_link_out(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "t.csv").write_text("id,body\n1,secret\n")
    (folder / "in").mkdir()
    (folder / "in" / "link").symlink_to(elsewhere)
    said = refusal(rows_of("in/*/t.csv", "in/link/t.csv").confined((folder,)))
    assert "link/t.csv: a link that leads to where the pipeline may not read" in said


def test_of_large_rows_few_are_fetched_ahead():
    large = 2_000_000
    parquet("t.parquet", "select range as id from range(60)")
    source = rows_of("t.parquet", query=f"select id, repeat('x', {large}) as body from rows", text="{{ id }}")
    tracemalloc.start()
    try:
        assert len(ids(source)) == 60
        assert tracemalloc.get_traced_memory()[1] < 30 * large
    finally:
        tracemalloc.stop()
