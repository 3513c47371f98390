"""The verb ``submit``: shows a contribution, asks, and posts it to the address that was given, and nowhere else."""

from __future__ import annotations

import ipaddress
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, Never

from eztrack_tune.asking import agreed
from eztrack_tune.sharing.contribution import Contribution, parse_contribution
from footage.cli.console import print_json, result
from footage.cli.exits import ExitCode
from footage.errors import DatasetError, FootageError, InputError, printable

TIMEOUT_SECONDS = 30.0
MOST_ANSWER_BYTES = 2000
HEADERS = {"Content-Type": "application/json", "User-Agent": "eztrack-tune"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOptions:
    """What to send, and where to.

    Attributes:
        contribution: the file.
        address: where to post it.
        yes: send without asking.
    """

    contribution: Path
    address: str
    yes: bool = False


def show(options: SubmitOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb: print what would be sent, ask, send.

    Raises:
        DatasetError: the file is no contribution, or holds anything that is not on the list.
        InputError: the address cannot be used, or nobody can be asked.
        FootageError: the server cannot be reached or does not take it.
    """
    check_address(options.address)
    try:
        content = options.contribution.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot be read ({error.strerror})", where=options.contribution) from error
    contribution = parse_contribution(content, str(options.contribution))
    # Written anew from what was checked: a key that stands twice in the file would else be sent unseen.
    content = json.dumps(json.loads(content), indent=1).encode("ascii")
    if not as_json:
        result(content.decode("ascii"))
        result(_summary(contribution, content, options.address))
    sent = not dry_run and (options.yes or agreed(f"send these {len(content)} bytes to {options.address}"))
    answer = post(options.address, content) if sent else None
    if as_json:
        print_json({"sent": sent, "address": options.address, "bytes": len(content), "answer": answer})
    else:
        result(f"sent; the answer: {printable(answer or '(none)')}" if sent else "nothing was sent")
    return ExitCode.DONE


def check_address(address: str) -> None:
    """Refuse an address that is none, or to which everybody on the way could read along.

    Raises:
        InputError: it is no ``https`` address, nor an ``http`` address of this machine.
    """
    try:
        parts = urllib.parse.urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InputError(f"{address!r} is no address ({error})") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise InputError(f"{address!r} is no address", remedy="give one that begins with https://")
    if parts.username is not None or parts.password is not None:
        raise InputError("the address holds a name or a password", remedy="leave them out: a contribution has none")
    if parts.scheme == "http" and not _is_local(host):
        raise InputError(
            f"{address}: everybody on the way could read along", remedy="give an address that begins with https://"
        )


def post(address: str, content: bytes) -> str:
    """Post a contribution; the server's answer, shortened.

    Raises:
        FootageError: the server cannot be reached, does not take it, or sends elsewhere.
    """
    request = urllib.request.Request(address, data=content, headers=HEADERS, method="POST")  # noqa: S310 - http(s) only
    handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
    if _is_local(urllib.parse.urlsplit(address).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))  # what stays on this machine needs nobody in between
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=TIMEOUT_SECONDS) as response:
            answer: bytes = response.read(MOST_ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            raise FootageError(f"the server answered {error.code} {error.reason}", where=address) from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise FootageError(f"cannot be reached ({reason})", where=address, remedy="try again later") from error
    return answer.decode("utf-8", "replace").strip()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A contribution goes where its owner said, and not where a server says."""

    def redirect_request(  # noqa: PLR0917 - the signature is the library's
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> Never:
        del fp, msg, headers
        raise FootageError(
            f"the server sends elsewhere ({code}, to {newurl}); nothing was sent there",
            where=req.full_url,
            remedy="give that address yourself if it is the right one",
        )


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _summary(contribution: Contribution, content: bytes, address: str) -> str:
    clips = len({session.clip for session in contribution.sessions})
    return (
        f"This is all that would be sent to {address}: {len(content)} bytes, {len(contribution.sessions)} sessions of "
        f"{clips} clips, under the random name {contribution.contributor}."
    )
