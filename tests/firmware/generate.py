"""Generates the C++ of one device file, as `esphome compile --only-generate` does before it fetches libraries.

Runs in the firmware's environment: `python generate.py DEVICE.yaml KEY=VALUE...` prints the code; messages go to
standard error, and an invalid file ends with 2. Libraries of an ESP32 come from a registry that a test must not need.
"""

import sys
from pathlib import Path

from esphome.__main__ import generate_cpp_contents
from esphome.config import read_config
from esphome.core import CORE
from esphome.log import setup_log


def main() -> int:
    setup_log()
    path, *settings = sys.argv[1:]
    CORE.config_path = Path(path).resolve()
    config = read_config(dict(setting.split("=", 1) for setting in settings))
    if config is None:
        return 2
    CORE.config = config
    generate_cpp_contents(config)
    print(CORE.cpp_main_section)  # noqa: T201  # its output
    return 0


sys.exit(main())
