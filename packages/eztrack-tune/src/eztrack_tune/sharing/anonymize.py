"""The verb ``anonymize``: sessions in, one contribution out."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eztrack_tune.sessions.read import SessionsRead, read_sessions
from eztrack_tune.sharing.contribution import KEYS, anonymized, parse_contribution
from footage.cli.console import print_json, result
from footage.cli.exits import ExitCode
from footage.errors import DatasetError, printable
from footage.runs.files import atomic_write_text


@dataclass(frozen=True, slots=True, kw_only=True)
class AnonymizeOptions:
    """What to anonymize.

    Attributes:
        sessions: files, folders and globs.
        output: the contribution.
        contributor: 32 hexadecimal digits, to go on with an earlier contribution's; None for a new word at random.
    """

    sessions: tuple[Path, ...]
    output: Path
    contributor: str | None = None


def show(options: AnonymizeOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what is in the contribution.

    Returns:
        ``SOME_INPUTS_FAILED`` where a file could not be read.

    Raises:
        InputError: the contributor is no such word, or no session can be shared.
        DatasetError: there is no session.
    """
    read = read_sessions(options.sessions)
    # Not the run's seed: an order that can be computed again could be undone.
    rng = np.random.default_rng(secrets.randbits(128))
    document = anonymized(read.sessions, contributor=options.contributor or secrets.token_hex(16), rng=rng)
    text = f"{json.dumps(document, indent=1)}\n"
    parse_contribution(text.encode(), str(options.output))
    if not dry_run:
        atomic_write_text(options.output, text)
    if as_json:
        files = [] if dry_run else [str(options.output)]
        print_json({"contribution": document, "skipped": read.skipped, "files": files})
    else:
        _print(read, document, options, written=not dry_run)
    return ExitCode.SOME_INPUTS_FAILED if read.skipped else ExitCode.DONE


def contributor_of(path: Path) -> str:
    """The contributor of an earlier contribution.

    Raises:
        DatasetError: it cannot be read, or is none.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot be read ({error.strerror})", where=path) from error
    return parse_contribution(content, str(path)).contributor


def _print(read: SessionsRead, document: dict[str, object], options: AnonymizeOptions, *, written: bool) -> None:
    sessions = document["sessions"]
    count = len(sessions) if isinstance(sessions, list) else 0
    result(f"{count} of {len(read.sessions)} sessions, under the random name {document['contributor']}")
    result(f"each with these keys and no others: {', '.join(KEYS)}")
    for skipped in read.skipped:
        result(printable(f"could not be read: {skipped.path}: {skipped.reason}"))
    result(str(options.output) if written else "nothing was written")
