"""Make the table of support tickets, and their true labels beside it, from tickets.csv.

python samples/tickets.py [FILE]
"""

import csv
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).parent
CREATE = """CREATE TABLE tickets
(id INTEGER PRIMARY KEY, created TEXT, customer TEXT, product TEXT, subject TEXT, body TEXT)"""
INSERT = "INSERT INTO tickets VALUES (:id, :created, :customer, :product, :subject, :body)"


def main(database: Path) -> None:
    """Write both files; who reads meanwhile sees the old or the new ones, never a part."""
    labels = database.with_name(f"{database.stem}-labels.csv")
    with (HERE / "tickets.csv").open(newline="", encoding="utf-8") as file:
        tickets = list(csv.DictReader(file))
    new = {path: path.with_name(f"{path.name}.{os.getpid()}.new") for path in (database, labels)}
    with closing(sqlite3.connect(new[database])) as connection, connection:
        connection.execute(CREATE)
        connection.executemany(INSERT, tickets)
    with new[labels].open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["document", "label"])
        rows.writerows((ticket["id"], ticket["category"]) for ticket in tickets)
    for path, written in new.items():
        written.replace(path)
    sys.stdout.write(f"{database}: {len(tickets)} tickets; {labels}: their labels\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "tickets.sqlite")
