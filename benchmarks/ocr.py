"""How well scans are read: `python -m benchmarks.ocr [COUNT]` draws letters, reads them and prints a table.

Each has a language, a resolution, a typeface, a skew and a noise of its own, the same at every call. The
error rate counts letters to change, add or remove for each letter that stands on the page, blanks and line
ends taken as one blank. A field is found as docmill's evidence finds it.
"""

import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageDraw, ImageFont

from docmill.schemas.document import Recognized
from docmill.tasks.checks.evidence.grounding import Grounds
from docmill.tasks.sources.parse import parsed
from docmill.tasks.sources.parsing import pool

COUNT = 100
FONTS = Path("/usr/share/fonts/truetype")
FACES = ("liberation/LiberationSans-Regular", "liberation/LiberationSerif-Regular", "dejavu/DejaVuSans")
MOST_SKEW, MOST_NOISE = 2.0, 40.0  # degrees; the standard deviation of a dot's grey, of 255
EVEN = 74.0  # the standard deviation of bytes that are drawn evenly
QUALITY = 80  # of the JPEG
WORDS = {
    "de": (
        ("Rechnung", "Datum", "Betrag", "Zahlbar bis", "Menge", "Käufer"),
        "Für die Lieferung von Schläuchen, Gehäusen und Zubehör erlauben wir uns zu berechnen, was folgt: "
        "Bitte überweisen Sie den Betrag ohne Abzug. Ersatzansprüche müssen schriftlich geltend gemacht "
        "werden.",
        ("Bäckerei Öztürk", "Müller & Söhne GmbH", "Straßenbau Größ KG", "Gärtnerei Weiß"),
    ),
    "fr": (
        ("Facture", "Date", "Montant", "Payable le", "Quantité", "Client"),
        "Nous vous prions de bien vouloir régler à réception la somme indiquée ci-dessous, sans escompte. "
        "Les pièces défectueuses seront échangées après vérification, là où elles ont été livrées.",
        ("Boulangerie Lefèvre", "Hôtel du Chêne", "Société Générale d'Électricité", "Garage Noël"),
    ),
    "en": (
        ("Invoice", "Date", "Amount", "Payable by", "Quantity", "Customer"),
        "The goods listed below were delivered in good order and remain our property until they are paid "
        "for. Any claim has to be made in writing within fourteen days of receipt, with the number of this "
        "invoice.",
        ("Harbour Lane Studio", "Quillon Timber Works", "Pier Road Bakery", "Northern Mill Ltd"),
    ),
}


@dataclass(frozen=True)
class Letter:
    """What stands on a scan, and how it was made."""

    language: str
    dpi: int
    lines: tuple[str, ...]
    fields: dict[str, str | float]
    content: bytes


@dataclass(frozen=True)
class Read:
    """What came of reading one: wrong letters, letters, fields found, only similar and in all, seconds."""

    wrong: int
    letters: int
    found: int
    similar: int
    fields: int
    confidence: float
    seconds: float


def letters(count: int) -> Iterator[Letter]:
    """Draw letters, the same ones at every call."""
    for number in range(count):
        draw = random.Random(number)
        language, dpi = list(WORDS)[number % 3], (150, 300)[number // 3 % 2]
        lines, fields = _written(language, draw)
        yield Letter(language, dpi, lines, fields, _scanned(lines, dpi, draw))


def _written(language: str, draw: random.Random) -> tuple[tuple[str, ...], dict[str, str | float]]:
    (title, date, amount, payable, quantity, customer), prose, names = WORDS[language]
    name, number = draw.choice(names), f"RE-{draw.randrange(2020, 2032)}-{draw.randrange(10_000):05}"
    rows = [(f"M{draw.randrange(3, 20)}x{draw.randrange(8, 90)}", draw.randrange(1, 500)) for _ in range(6)]
    prices = [draw.randrange(100, 99_999) / 100 for _ in rows]
    total = round(sum(prices), 2)
    day = f"{draw.randrange(1, 29):02}.{draw.randrange(1, 13):02}.2031"
    iban = "DE" + "".join(str(draw.randrange(10)) for _ in range(20))
    spaced = " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))
    words, wrapped = prose.split(), list[str]()
    while words:
        wrapped.append(" ".join(words[:9]))
        words = words[9:]
    lines = (
        *(f"{title} {number}", f"{date}: {day}", f"{customer}: {name}", "", *wrapped, ""),
        f"{title}\t{quantity}\t{amount}",
        *(f"{code}\t{many}\t{price:.2f}" for (code, many), price in zip(rows, prices, strict=True)),
        *("", f"{amount}\t\t{total:.2f}", f"{payable} {day}", f"IBAN {spaced}"),
    )
    fields: dict[str, str | float] = {
        "number": number,
        "name": name,
        "day": day,
        "total": total,
        "iban": iban,
    }
    fields |= {f"price{index}": price for index, price in enumerate(prices)}
    return lines, fields


def _scanned(lines: tuple[str, ...], dpi: int, draw: random.Random) -> bytes:
    page = Image.new("L", (dpi * 827 // 100, dpi * 1169 // 100), 250)
    pen, face = ImageDraw.Draw(page), FONTS / f"{draw.choice(FACES)}.ttf"
    size = dpi * draw.choice((10, 11, 12)) / 72
    font = ImageFont.truetype(face, size) if face.is_file() else ImageFont.load_default(size)
    for row, line in enumerate(lines):
        for column, cell in enumerate(line.split("\t")):
            pen.text((dpi * (1 + 2 * column), dpi * (1 + 0.26 * row)), cell, font=font, fill=20)
    page = page.rotate(draw.uniform(-MOST_SKEW, MOST_SKEW), Image.Resampling.BICUBIC, fillcolor=250)
    # PIL's own noise is another at every call.
    noise = Image.frombytes("L", (256, 256), draw.randbytes(65_536)).resize(
        page.size, Image.Resampling.NEAREST
    )
    strength = draw.uniform(0, MOST_NOISE) / EVEN
    grain = noise.point(lambda grey: 128 + int((grey - 128) * strength))
    page = ImageChops.add(page, grain, offset=-128)
    buffer = BytesIO()
    page.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def read(letter: Letter) -> Read:
    """Read a letter, and count what is wrong."""
    begun = time.monotonic()
    text = parsed(letter.content, "scan.jpg")
    seconds = time.monotonic() - begun
    parts = [
        Recognized(part=each.part, confidence=each.confidence, start=each.start, end=each.end)
        for each in text.seen
    ]
    schema: dict[str, Any] = {"properties": {name: {} for name in letter.fields}}
    evidence = Grounds(text.text, text.page_starts, parts).of(dict(letter.fields), schema).evidence
    meant = " ".join(" ".join(letter.lines).split())
    return Read(
        wrong=distance(meant, " ".join(text.text.split())),
        letters=len(meant),
        found=sum(each["start"] is not None and "similar" not in each for each in evidence),
        similar=sum("similar" in each for each in evidence),
        fields=len(evidence),
        confidence=text.seen[0].confidence if text.seen else 0.0,
        seconds=seconds,
    )


def distance(one: str, other: str) -> int:
    """Count the letters to change, add or remove."""
    before = list(range(len(other) + 1))
    for row, char in enumerate(one, 1):
        now = [row]
        for column, its in enumerate(other, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (char != its)))
        before = now
    return before[-1]


def main() -> None:
    """Read them in as many children as there may be, and print what came of it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    groups: dict[tuple[str, str], list[Read]] = defaultdict(list)
    begun = time.monotonic()
    drawn = list(letters(count))
    with pool.kept(), ThreadPoolExecutor(pool.SIZE) as threads:
        for letter, what in zip(drawn, threads.map(read, drawn), strict=True):
            for group in ((letter.language, ""), ("", f"{letter.dpi} dpi"), ("all", "")):
                groups[group].append(what)
    print("| scans | pages | error rate | fields found | similar | absent | confidence | s a page |")  # noqa: T201
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")  # noqa: T201
    for (language, dpi), found in sorted(groups.items()):
        print(f"| {language}{dpi} | {_line(found)} |")  # noqa: T201
    print(f"{count} pages in {time.monotonic() - begun:.0f} s, {pool.SIZE} at a time")  # noqa: T201


def _line(found: list[Read]) -> str:
    count, fields = len(found), sum(each.fields for each in found)
    exact, similar = sum(each.found for each in found), sum(each.similar for each in found)
    wrong = sum(each.wrong for each in found) / sum(each.letters for each in found)
    absent = fields - exact - similar
    sure, seconds = (sum(getattr(each, name) for each in found) / count for name in ("confidence", "seconds"))
    shares = f"{exact / fields:.1%} | {similar / fields:.1%} | {absent / fields:.1%}"
    return f"{count} | {wrong:.2%} | {shares} | {sure:.2f} | {seconds:.1f}"


if __name__ == "__main__":
    main()
