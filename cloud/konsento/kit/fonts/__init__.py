"""The typeface of what is printed: embedded, because no printer is sure to have one with Japanese in it."""

from pathlib import Path
from typing import Final

REGULAR: Final = Path(__file__).parent / "BIZUDPGothic-Regular.ttf"
BOLD: Final = Path(__file__).parent / "BIZUDPGothic-Bold.ttf"
FAMILY: Final = "BIZ UDPGothic"
