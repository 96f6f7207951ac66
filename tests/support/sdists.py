"""Source distributions of pinned dependencies, for the conformance suites that they carry."""

import hashlib
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import httpx

from tests.support.tarballs import extracted

ROOT = Path(__file__).parents[2]
CACHE = Path.home() / ".cache" / "docmill-tests"


def unpacked(name: str, folder: Path) -> Path:
    """Give the unpacked source distribution of the installed version, fetched once to CACHE.

    The index that uv is configured with says where it lies: nothing of it is built or run. Its hash
    is the lock file's. `folder` is for what is written on the way.
    """
    release = f"{name}-{version(name)}"
    archive = CACHE / f"{release}.tar.gz"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        partial = folder / archive.name
        partial.write_bytes(_fetched(name, folder))
        partial.replace(archive)
    assert hashlib.sha256(archive.read_bytes()).hexdigest() in (ROOT / "requirements.lock").read_text()
    extracted(archive, folder)
    return folder / release


def _fetched(name: str, folder: Path) -> bytes:
    wanted, lock = folder / "wanted.in", folder / "pylock.toml"
    wanted.write_text(f"{name}=={version(name)}\n")
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        "--quiet",
        "--no-deps",
        "--format",
        "pylock.toml",
    ]
    subprocess.run([*command, str(wanted), "--output-file", str(lock)], check=True, capture_output=True)
    [package] = tomllib.loads(lock.read_text())["packages"]
    return httpx.get(package["sdist"]["url"], follow_redirects=True, timeout=60).raise_for_status().content
