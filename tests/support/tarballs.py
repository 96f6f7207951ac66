"""Tar archives of our own making, or of a known hash, unpacked."""

import tarfile
from pathlib import Path


def extracted(archive: Path, directory: Path) -> None:
    """Unpack an archive into a folder; Python before 3.11.4 has no filter to say."""
    safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(archive) as opened:
        opened.extractall(directory, **safe)  # type: ignore[arg-type]
