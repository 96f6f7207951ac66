"""The wheel and the source distribution: what is in them, and that the one makes the other."""

from pathlib import Path

import pytest

from docmill import __version__
from tests.support.wheels import CLONE, contents, sdist_of, unpacked, wheel_of

ABOUT = f"docmill-{__version__}.dist-info/"
LINKED = ("schemas", "tasks", "flows")
OWN = CLONE / "flows" / "pipelines"  # of who works in the clone


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give each file of the wheel."""
    return contents(wheel_of(CLONE, tmp_path_factory.mktemp("wheel")))


def test_the_wheel_has_the_one_top_level_name(wheel: dict[str, bytes]):
    assert {name.partition("/")[0] for name in wheel} == {"docmill", ABOUT.rstrip("/")}


def test_the_wheel_holds_the_packages_files_all_of_them_and_nothing_else(wheel: dict[str, bytes]):
    folders = [CLONE / "docmill", *(CLONE / name for name in LINKED)]
    files = {
        "docmill/" + str(file.relative_to(CLONE)).removeprefix("docmill/"): file.read_bytes()
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and not file.is_relative_to(OWN)
    }
    assert {name: content for name, content in wheel.items() if not name.startswith(ABOUT)} == files


@pytest.mark.parametrize(
    "name",
    [
        "py.typed",
        "schemas/pipeline.schema.json",
        "schemas/tools/invoice.json",
        "flows/report/report.html.jinja",
        "flows/report/report.css",
        "flows/report/report.js",
    ],
)
def test_the_wheel_holds_what_is_no_python(wheel: dict[str, bytes], name: str):
    assert wheel[f"docmill/{name}"] == (CLONE / "docmill" / name).read_bytes()


def test_the_wheel_says_its_name_version_licence_and_command(wheel: dict[str, bytes]):
    metadata = wheel[f"{ABOUT}METADATA"].decode()
    assert f"\nName: docmill\nVersion: {__version__}\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert b"docmill = docmill.flows.cli:main" in wheel[f"{ABOUT}entry_points.txt"]


def test_a_wheel_built_from_the_source_distribution_is_the_same(wheel: dict[str, bytes], tmp_path: Path):
    sdist = sdist_of(CLONE, tmp_path)
    source = unpacked(sdist, tmp_path / "unpacked")
    assert contents(wheel_of(source, tmp_path / "from sdist")) == wheel
