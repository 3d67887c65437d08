"""`make demo`: the main job on this machine, to look at, or once and measured."""

import argparse
import asyncio
import json
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from rig import grid
from rig.driver import RefusedError
from rig.home_assistant import FlowRefusedError
from rig.line import OUTLETS, OWNER, OWNER_PASSWORD, Line, temporary_folder
from rig.ports import Ports
from rig.process import ProcessFailedError
from rig.session import run_session
from rig.suppliers import CODES, KAZE, provisioning

DRIVER_EMAIL = "driver@example.com"
DRIVER_PASSWORD = "demo-driver-1"  # noqa: S105  # of a server that listens on this machine alone
DRIVER_NAME = "Hanako Demo"
OPERATOR_EMAIL = "operator@example.com"

UNITS = {"energy": "Wh", "time": "s", "money": "minor"}


def _limit(text: str) -> tuple[str, str]:
    kind, _, amount = text.partition("=")
    if kind not in UNITS or not amount:
        raise argparse.ArgumentTypeError("a limit is energy=WH, time=SECONDS or money=YEN, for example energy=10")
    return kind, amount


def _port(text: str) -> int:
    if not text.isdigit() or not 1024 <= int(text) <= 65000:
        raise argparse.ArgumentTypeError("a port is a number from 1024 to 65000")
    return int(text)


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="make demo ARGS=…",
        description="Starts four outlets, Home Assistant, the management servers of two suppliers, their portal,"
        " platform and computation system on this machine, until Ctrl-C.",
    )
    parser.add_argument("--once", action="store_true", help="run one session as a driver's browser would, then end")
    parser.add_argument("--json", action="store_true", help="with --once: print one JSON object on the last line")
    parser.add_argument(
        "--limit", type=_limit, default=("energy", "10"), help="energy=10 (Wh), time=20 (s) or money=50 (yen)"
    )
    parser.add_argument("--outlet", type=int, default=1, choices=range(1, len(OUTLETS) + 1), help="which outlet")
    parser.add_argument(
        "--suppliers",
        type=int,
        choices=(1, 2),
        help="management servers at the site, with two also their portal; default: 2, with --once 1",
    )
    parser.add_argument(
        "--port-base", type=_port, default=None, help="first of nineteen consecutive ports; default: free ones"
    )
    parser.add_argument("--keep", type=Path, default=None, help="folder for databases and logs, kept afterwards")
    return parser.parse_args(argv)


async def _once(line: Line, options: argparse.Namespace) -> None:
    kind, amount = options.limit
    driver = await line.driver(DRIVER_EMAIL, DRIVER_PASSWORD, DRIVER_NAME)
    line.say(f"a driver asks outlet {options.outlet} for {amount} {UNITS[kind]}")
    report = await run_session(line, driver, options.outlet, (kind, amount, UNITS[kind]), (DRIVER_EMAIL, DRIVER_NAME))
    if options.json:
        print(json.dumps(report))
        return
    width = max(map(len, report))
    for name, value in report.items():
        print(f"{name:<{width}}  {value}")


async def _stay(line: Line, ready: asyncio.Event, stop: asyncio.Event) -> None:
    driver = await line.driver(DRIVER_EMAIL, DRIVER_PASSWORD, DRIVER_NAME)
    await driver.close()
    invitation = (await line.server.command("staff", "add", OPERATOR_EMAIL, "--role", "admin")).strip()
    line.say("dropping a forecast of sunny days")
    grid.drop_forecasts(line.server.feeds)
    await line.server.apply(grid.SOURCES + provisioning(line.specs, CODES, region=grid.REGION))
    line.say("having made-up sites deliver three days of charging to the platform")
    await line.environment.furnish()
    pages = line.server.public_url
    print(f"\n  Driver        {pages}/  signed up: {DRIVER_EMAIL} / {DRIVER_PASSWORD}")
    for spec, code in zip(OUTLETS, CODES, strict=True):
        print(f"    {spec.title:<26} {pages}/o/{code}")
    print(f"  When to charge {pages}/outlook  by a made-up forecast of sunny days")
    if line.neighbours is not None:
        print(f"  Portal        {line.neighbours.portal_url}/  shows both suppliers of each outlet side by side")
        print(f"    {OUTLETS[0].title:<26} {line.neighbours.portal_url}/o/{CODES[0]}")
        print(f"  2nd supplier  {line.neighbours.server.public_url}/  {KAZE.name}, at the same outlets")
        print(f"    {OUTLETS[0].title:<26} {line.neighbours.server.public_url}/o/{KAZE.codes[0]}")
    print(f"  Back office   {invitation}")
    print("                sets up a password and an authenticator app; works once")
    print(f"  Mails         {line.server.mails}")
    print(f"  Owner         {line.home_assistant.url}/config/integrations/integration/konsento")
    print(f"                Home Assistant, {OWNER} / {OWNER_PASSWORD}")
    environment = line.environment
    print(f"  Computation   {environment.computation.url}/  operator's token: {environment.computation.operator}")
    print(f"  Platform      {environment.platform.url}/v1/overview  operator's token: {environment.platform.operator}")
    print(f"  Logs          {line.folder}")
    print("\n  The demo's price is a hundred times a usual one, so that seconds cost something.")
    print("  Ctrl-C ends everything.\n", flush=True)
    ready.set()
    await stop.wait()


def _say() -> Callable[[str], None]:
    began = monotonic()
    return lambda text: print(f"[{monotonic() - began:5.1f} s] {text}", file=sys.stderr, flush=True)


async def _main(options: argparse.Namespace) -> None:
    ready, stop = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    assert main is not None  # noqa: S101  # asyncio.run runs this as a task

    def end() -> None:
        # Looking around ends well; whatever else goes on (starting, a session, the ending itself) is broken off.
        if ready.is_set() and not stop.is_set():
            stop.set()
        else:
            main.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    folder = options.keep or temporary_folder()
    suppliers = options.suppliers or (1 if options.once else 2)
    say = _say()
    try:
        starting = Line(folder.resolve(), Ports(options.port_base), say, two_suppliers=suppliers == 2)
        async with starting as line:
            await (_once(line, options) if options.once else _stay(line, ready, stop))
            say("ending")
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Run the demo; exits 0, 1 with a sentence when the line does not come up, 130 when broken off."""
    options = arguments()
    try:
        asyncio.run(_main(options))
    except asyncio.CancelledError, KeyboardInterrupt:
        sys.exit(130)
    except (ProcessFailedError, FlowRefusedError, RefusedError, OSError) as error:
        sys.exit(f"The demo ended early: {error}")


if __name__ == "__main__":
    main()
