"""Runs the benchmarks by name."""

import argparse
import logging
import subprocess
import sys
from collections.abc import Callable

from rig.bench import Measured, report
from tests.bench import (
    back_office,
    cutoff,
    environment,
    hostile,
    ingest,
    latency,
    lost_leases,
    message_search,
    ocpp_doors,
    ocpp_gateway,
    ocpp_journal,
    power_cuts,
    settle,
    settle_kills,
    site,
    site_kills,
    site_week,
    sums,
)
from tests.bench.apart import go_apart

BENCHMARKS: dict[str, Callable[[], Measured]] = {
    "back_office": back_office.run,
    "cutoff": cutoff.run,
    "environment": environment.run,
    "hostile": hostile.run,
    "ingest": ingest.run,
    "latency": latency.run,
    "lost_leases": lost_leases.run,
    "ocpp_boot_storm": ocpp_doors.boot_storm,
    "message_search": message_search.run,
    "ocpp_gateway": ocpp_gateway.run,
    "ocpp_hostile": ocpp_doors.hostile,
    "ocpp_journal": ocpp_journal.run,
    "power_cuts": power_cuts.run,
    "settle": settle.run,
    "settle_kills": settle_kills.run,
    "site": site.run,
    "site_kills": site_kills.run,
    "site_week": site_week.run,
    "sums": sums.run,
}
WHOLE_SITES = ("latency", "site", "site_kills")


def main() -> None:
    """Run all benchmarks, or the named one."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=BENCHMARKS, help="make bench ONLY=name")
    only = parser.parse_args().only
    if only is None:
        for name in BENCHMARKS:
            subprocess.run([sys.executable, "-m", "tests.bench", "--only", name], check=True)
        return
    if only in WHOLE_SITES:
        go_apart()
    # Lost connections are what some of them are about.
    logging.getLogger("aioesphomeapi").setLevel(logging.CRITICAL)
    report(only, BENCHMARKS[only]())


main()
