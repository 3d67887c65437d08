"""The front-end libraries are those of the manifest, unchanged, with their licences, and go out with the package."""

import hashlib
import json
import zipfile
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

from konsento.web.render import STATIC

VENDOR = STATIC / "vendor"
MANIFEST = json.loads((VENDOR / "vendored.json").read_text())
CLOUD = Path(__file__).parents[3] / "cloud"


def test_every_file_is_the_one_that_was_recorded_and_there_is_no_other() -> None:
    found = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "vendored.json"
    }

    assert found == MANIFEST["files"]


def test_every_library_has_its_licence_beside_it_and_an_exact_version() -> None:
    for package in MANIFEST["packages"]:
        folder = f"{package['name']}-{package['version']}"
        assert "Copyright" in (VENDOR / folder / "LICENSE").read_text()
        assert len(package["sha256"]) == 64
        assert all(into.startswith(f"{folder}/") for into in package["files"].values())


def test_no_address_of_a_registry_is_recorded() -> None:
    assert "://" not in (VENDOR / "vendored.json").read_text()


def test_the_wheel_holds_them(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(CLOUD)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    assert {f"konsento/web/static/vendor/{name}" for name in MANIFEST["files"]} <= names
