"""Where things are in this checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"


def program(environment: str, name: str) -> str:
    """Return the path of a program of one of the environments that tools/setup made."""
    path = ROOT / ".venv" / environment / "bin" / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run tools/setup {environment}")
    return str(path)
