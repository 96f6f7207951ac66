"""What reading documents costs: `python -m benchmarks.parsing` prints a table."""

import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

from docmill.tasks.sources.parse import parsed
from docmill.tasks.sources.parsing import pool
from tests.support.documents import docx, pdf, xlsx

COUNT = 1000
BYTES = 2048
THREADS = min(32, (os.cpu_count() or 1) + 4)  # as asyncio.to_thread has
GERMAN = (
    "Sehr geehrte Frau Müller, für die Lieferung über 1.250,00 € erhalten Sie die Rechnung. Grüße aus Köln. "
)
FRENCH = "Facture n° 12 : Société Générale d'Électricité, réglée à réception. Où êtes-vous ? "
POLISH = "Zażółć gęślą jaźń. Umowa została zawarta w Łodzi między stronami. "
RUSSIAN = "Договор заключён между сторонами в городе Москве. Счёт на оплату прилагается. "
GREEK = "Το συμβόλαιο υπογράφηκε στην Αθήνα μεταξύ των μερών. "
TURKISH = "Fatura ödemesi için teşekkür ederiz. Şirketimiz İstanbul'da, çağrı merkezi açık. "
ARABIC = "تم توقيع العقد في القاهرة بين الطرفين. "
JAPANESE = "請求書をお送りいたします。お支払い期限は月末です。よろしくお願いいたします。"
CHINESE = "本合同由甲乙双方签订。请在月底之前付款。感谢您的合作。"
KOREAN = "계약서는 양 당사자가 서명합니다. 월말까지 지불해 주십시오. "
KINDS = [
    *((GERMAN, encoding, "txt") for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252")),
    *((GERMAN, encoding, "md") for encoding in ("utf-16-le", "utf-32")),
    *((FRENCH, encoding, "csv") for encoding in ("latin-1", "mac_roman")),
    *((POLISH, encoding, "txt") for encoding in ("cp1250", "iso8859_2")),
    *((RUSSIAN, encoding, "txt") for encoding in ("cp1251", "koi8_r", "cp866")),
    *((JAPANESE, encoding, "txt") for encoding in ("cp932", "euc_jp")),
    *((GREEK, "cp1253", "txt"), (TURKISH, "cp1254", "txt"), (ARABIC, "cp1256", "txt")),
    *((CHINESE, "gb18030", "txt"), (KOREAN, "cp949", "txt")),
    *((GERMAN, "utf-8", "html"), (FRENCH, "utf-8", "json")),
]


def text(number: int) -> tuple[bytes, str, str]:
    """Write a text file of 2 KB in one of the kinds: its bytes, its name, and the text that is read of it."""
    sentence, encoding, suffix = KINDS[number % len(KINDS)]
    written = f"{number} {sentence}"
    while len(f"{written}{sentence}".encode(encoding)) <= BYTES:
        written += sentence
    written = written.strip()
    if suffix == "json":
        written = f'{{"text": "{written}"}}'
    content = f"<html><p>{written}" if suffix == "html" else written
    return content.encode(encoding), f"{number}.{suffix}", written


def mail(number: int) -> bytes:
    """Write a mail of one page."""
    message = EmailMessage()
    message["From"], message["Subject"] = "a@b.example", f"number {number}"
    message.set_content(GERMAN * 10)
    return message.as_bytes()


BINARY: dict[str, Callable[[int], bytes]] = {
    "pdf": lambda number: pdf(f"number {number}\n" + "\n".join([GERMAN[:90]] * 20)),
    "docx": lambda number: docx(f"number {number}", *[GERMAN] * 20),
    "xlsx": lambda number: xlsx({"A": [[number, GERMAN[:20], 1.5]] * 30}),
    "eml": mail,
}


def texts() -> float:
    """Read 1,000 text files of 2 KB; gives the milliseconds of CPU that one took on average."""
    files = [text(number) for number in range(COUNT)]
    began = time.process_time()
    for content, name, _ in files:
        parsed(content, name)
    return (time.process_time() - began) * 1000 / COUNT


def binaries(suffix: str) -> tuple[float, float]:
    """Read 1,000 small files; gives the seconds, and the children's CPU milliseconds for each."""
    files = [BINARY[suffix](number) for number in range(COUNT)]
    pool.close()
    before = _children_s()
    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda content: parsed(content, f"a.{suffix}"), files))
    took_s = time.monotonic() - began
    pool.close()
    return took_s, (_children_s() - before) * 1000 / COUNT


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print the table."""
    print(f"{COUNT:,} texts of 2 KB in {len(KINDS)} encodings and kinds: {texts():.1f} ms of CPU each")  # noqa: T201
    for suffix in BINARY:
        took_s, cpu_ms = binaries(suffix)
        print(f"{COUNT:,} {suffix}: {took_s:.1f} s, {cpu_ms:.1f} ms of the children's CPU each")  # noqa: T201


if __name__ == "__main__":
    main()
