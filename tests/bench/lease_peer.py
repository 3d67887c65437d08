"""A control system in miniature: starts a session and renews it; a process of its own, to be stopped or cut off.

Says when it begins each message to the outlet, `time.monotonic()` seconds, one a line. With `apart` it first moves into
a network namespace of its own and waits on standard input for a network to be put there.
"""

import argparse
import contextlib
import os
import socket
import sys
from itertools import count
from time import monotonic, sleep

from tests.firmware.frames import call, hello

RENEWAL_S = 0.25


def main() -> None:
    """Renew until the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("start", type=int, help="key of the action session_start")
    parser.add_argument("renew", type=int, help="key of the action session_renew")
    parser.add_argument("session")
    parser.add_argument("lease_s", type=int)
    parser.add_argument("--apart", action="store_true")
    peer = parser.parse_args()
    if peer.apart:
        os.unshare(os.CLONE_NEWNET)
        say("apart")
        sys.stdin.readline()
    session = peer.session.encode()
    with socket.create_connection((peer.host, peer.port)) as outlet:
        outlet.sendall(hello(b"peer"))
        outlet.setblocking(False)
        say(str(monotonic()))
        outlet.sendall(call(peer.start, session, 100_000, 0, b"relay", peer.lease_s))
        for seq in count():
            sleep(RENEWAL_S)
            say(str(monotonic()))
            outlet.sendall(call(peer.renew, session, seq, peer.lease_s))
            with contextlib.suppress(BlockingIOError):
                outlet.recv(65_536)


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
