"""A second program besides that of conftest.py: it counts energy by the counter of its meter, and reads that often."""

import uuid
from zlib import crc32

from build_firmware import ROOT
from rig.outlet import OutletSpec

from .conftest import SETTINGS

READING_S = 0.25
"""How often its meter is read."""

# Outlets are found by their names on the whole network, where another checkout may be tested at the same time. A name
# ends with half a MAC.
_HERE = f"{crc32(f'{uuid.getnode()} {ROOT}'.encode()):08x}"

COUNTING = OutletSpec(
    name="counting",
    title="Outlet that counts by its meter's counter",
    mac=f"02:0f:{_HERE[:2]}:{_HERE[2:4]}:{_HERE[4:6]}:{_HERE[6:]}",
    settings={**SETTINGS, "meter": "counter", "meter_interval": f"{READING_S}s"},
)
