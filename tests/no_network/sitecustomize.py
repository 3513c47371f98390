"""Put on PYTHONPATH, this keeps a Python process and all that it starts from any address outside this machine.

Every attempt is refused, and written to the file that ``NETWORK_ATTEMPTS`` names: a program that swallows the refusal
is found out all the same.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any

ASKING = {"socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.gethostbyaddr": 0}
"""Events of looking a name up, and which of their arguments it is (Python's table of audit events)."""
SENDING = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1}


def is_here(host: Any) -> bool:
    """Whether a host is this machine: nothing is sent outside."""
    if host is None or isinstance(host, bytes | bytearray):
        return host in {None, b"", b"localhost"} or bool(host.startswith(b"127."))
    if host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """The hook."""
    if event in ASKING:
        host = arguments[ASKING[event]]
    elif event in SENDING and isinstance(arguments[SENDING[event]], tuple):  # a path is a socket of this machine
        host = arguments[SENDING[event]][0]
    else:
        return
    if is_here(host):
        return
    with open(os.environ["NETWORK_ATTEMPTS"], "a", encoding="utf-8") as attempts:  # noqa: PTH123 - before anything else
        attempts.write(f"{event} {host!r} by {' '.join(sys.argv[:3])}\n")
    raise OSError(f"no network here: {event} {host!r}")


sys.addaudithook(refuse)
