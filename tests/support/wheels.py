"""docmill as it is given away: built, and installed where its clone is not seen."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from tests.support.tarballs import extracted

CLONE = Path(__file__).parents[2]


def wheel_of(source: Path, directory: Path) -> Path:
    """Build the wheel of a source tree."""
    [wheel] = WheelBuilder(str(source)).build(directory=str(directory))
    return Path(wheel)


def sdist_of(source: Path, directory: Path) -> Path:
    """Build the source distribution of a source tree."""
    [sdist] = SdistBuilder(str(source)).build(directory=str(directory))
    return Path(sdist)


def unpacked(sdist: Path, directory: Path) -> Path:
    """Unpack a source distribution; gives its one folder."""
    extracted(sdist, directory)
    [folder] = directory.iterdir()
    return folder


def contents(wheel: Path) -> dict[str, bytes]:
    """Give each file of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def installed(wheel: Path, directory: Path) -> Path:
    """Install a wheel into a fresh virtual environment; gives the folder of its commands.

    What docmill depends on is seen where this session has it, the clone is not.
    """
    venv.create(directory, with_pip=False, symlinks=True)
    python = directory / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", str(wheel)], check=True)
    [packages] = directory.glob("lib/python*/site-packages")
    seen = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "session.pth").write_text("\n".join(seen))
    return directory / "bin"
