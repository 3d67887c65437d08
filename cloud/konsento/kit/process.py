"""What this process is called where an operator reads of it."""

import os
import platform
from typing import Final

PROCESS: Final = f"{platform.node()} {os.getpid()}"[:100]
"""Machine and number of the process."""
