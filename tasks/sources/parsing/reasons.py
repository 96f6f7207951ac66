"""Why a document has no text, and what to do about it: our own sentences, never the document's words."""

from enum import StrEnum

MEMORY_MB = 512
WALL_S = 30
MAX_PAGES = 10_000
MAX_MEMBERS = 1_000  # files within a file, at all levels
MAX_PICTURES = 500  # pages that are read by their pictures: each takes seconds
MAX_TEXT_BYTES = 20_000_000
OCR_MEMORY_MB = 3072  # the models and a page take 1.8 GB of address space
OCR_WALL_S = 300  # of a page, or of a document with all pictures in it
ROWS_MEMORY_MB = 1024  # of a workbook whose rows are read
ROWS_WALL_S = 60  # of each part of them
EXTRA = "`pip install 'docmill[ocr]'` has it read (not with `ocr: off`)"
READ = "docmill reads PDF, Word (docx), Excel (xlsx), e-mail (eml), HTML, Markdown, CSV, JSON and plain text"


class Reason(StrEnum):
    """What an Unreadable says; a child process names one of these, and can say nothing else."""

    EMPTY = "no text: the file holds nothing that can be read"
    BINARY = f"the content is binary, and of no kind that is read: {READ}"
    ENCODING = "the character encoding cannot be told: save the file as UTF-8"
    SCANNED = f"no text (scanned?): the PDF holds pictures of pages only: {EXTRA}, or run OCR over it first"
    GARBLED = (
        f"its letters are not those that it shows, by a broken font or encoding: {EXTRA}, or print it anew"
    )
    MOJIBAKE = (
        "its letters are those of another encoding: UTF-8 that was read as Windows-1252, and saved as such; "
        "take it from its source again"
    )
    ENCRYPTED = "encrypted: save it without a password"
    DAMAGED = "damaged or incomplete: send the file again, or open it in its own program and save it anew"
    NESTED = "nested too deeply, or of too many parts: save it as a plain document or as text"
    PACKED = (
        "it unpacks to far more than its size, as a bomb does: it was not opened; save it anew, or split it"
    )
    PAGES = f"more than {MAX_PAGES:,} pages or sheets, or {MAX_PICTURES} that are pictures: split it"
    LONG = f"its text is longer than {MAX_TEXT_BYTES:,} bytes: split it"
    SLOW = f"took longer than {WALL_S} s to read: split it, or save it anew"
    MEMORY = f"needed more than {MEMORY_MB} MB to read: split it, or save it anew"
    DIED = "it crashed the parser: the file is damaged, or made to do that; save it anew"
    MEMBERS = f"more than {MAX_MEMBERS:,} files within it: unpack it, and hand in the files"
    MEMBER = "it is larger than 20,000,000 bytes once it is unpacked: split it"
    NOTHING = "there is no file in it"
    ENDED = "the run ended before it was read"

    OFFICE = f"old Office files (doc, xls, ppt, msg) are not supported: save it in a newer format; {READ}"
    NO_WORKBOOK = "no Excel workbook"
    NO_VALUES = (
        "its formulas were never computed, also of the columns' names, or of more than 10,000 rows: "
        "open the file in its own program, and save it anew"
    )
    SLIDES = "PowerPoint files are not supported: save it as PDF"
    OPEN_DOCUMENT = "OpenDocument files are not supported: save it as docx, xlsx or PDF"
    BINARY_SHEET = "binary Excel files (xlsb) are not supported: save it as xlsx"
    EBOOK = "EPUB files are not supported: save it as PDF or HTML"
    RTF = "RTF files are not supported: save it as docx or PDF"
    IMAGE = f"an image: {EXTRA}, or run OCR over it, and hand in the text"
    IMAGE_OFF = "an image, and the pipeline says `ocr: off`: hand in its text"
    UNSEEN = "its pictures took too much time or memory to read: split it, or hand it in smaller"
    BLANK = "no text: nothing is written on its pages or pictures"
    UNSURE = "what its pictures show cannot be read with confidence: scan it again, straight and sharp"
    MAILBOX = "mailboxes of several mails are not supported: save each mail as a file of its own (eml)"
    ARCHIVE = (
        "archives are not supported: unpack it, and hand in the files; if it was an Office file, save it anew"
    )
