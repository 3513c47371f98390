"""The verb ``label``: what it is asked to do, and the server from its start to Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from footage.cli.console import result
from footage.cli.exits import ExitCode
from footage.errors import InputError, MissingDependency, ModelError
from highlight_train.batch.options import MODEL_FILE, TRAINING_FOLDER, find_models
from highlight_train.labelling.library import Library
from highlight_train.labelling.session import Session
from highlight_train.labelling.uncertain import BackgroundScores

HOST = "127.0.0.1"
LABELS_FILE = Path("labels.json")
_GRACE_SECONDS = 1
"""How long films that are being sent may go on after Ctrl-C."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelOptions:
    """What to label, and how.

    Attributes:
        library: a folder, searched with everything below it.
        labels: the ``labels.json`` that is read and written.
        model: a model, or the folder of a training: the clips that it is least certain of come first. None takes the
            one that the last training left here, if there is one.
        port: of 127.0.0.1; 0 takes a free one.
        open_browser: whether to open the page at once.
    """

    library: Path
    labels: Path = LABELS_FILE
    model: Path | None = None
    port: int = 0
    open_browser: bool = False


def serve(options: LabelOptions, tell: Tell) -> ExitCode:
    """Serve the page until Ctrl-C; its address is the only line on standard output.

    Args:
        options: what to label, and how.
        tell: told what is going on.

    Raises:
        DatasetError: there are no clips, or the labels cannot be read or written.
        ModelError: the model that was asked for cannot be used.
        InputError: the port cannot be had.
        MissingDependency: the packages for the page are not installed.
    """
    try:
        import uvicorn

        from highlight_train.labelling.app import Workplace, make_app
        from highlight_train.labelling.guard import TOKEN_PARAMETER, Guard
    except ImportError as error:
        remedy = "uv pip install 'highlight-train[label]'"
        raise MissingDependency(f"the labelling page needs the package {error.name}", remedy=remedy) from None
    library = Library(options.library)
    for skipped in library.skipped:
        tell(f"left out: {skipped.path}: {skipped.reason}")
    session = Session(library, options.labels)
    scores = _background_scores(library, options.model, tell)
    app = make_app(Workplace(library=library, session=session, labels_file=options.labels, scores=scores))
    with _listen(options.port) as listening:
        port = listening.getsockname()[1]
        token = secrets.token_urlsafe(24)
        config = uvicorn.Config(
            Guard(app, token=token, port=port),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        address = f"http://{HOST}:{port}/?{TOKEN_PARAMETER}={token}"
        tell(f"{len(library):,} clips; labels go to {options.labels}; Ctrl-C ends it, everything is saved at once")
        result(address)
        sys.stdout.flush()
        if options.open_browser:
            threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
        if scores is not None:
            scores.start()
        logging.getLogger("uvicorn.error").addHandler(_ToldInALine(tell))
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:  # the way to end it; the server has closed its connections before it raises this
            tell(f"ended; the labels are in {options.labels}")
        finally:
            if scores is not None:
                scores.stop()
    return ExitCode.DONE


class _ToldInALine(logging.Handler):
    """Tells of requests that failed for a reason that nobody foresaw, such as a file that shrank while it was sent."""

    def __init__(self, tell: Tell) -> None:
        super().__init__(logging.ERROR)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """Tell the reason; films that Ctrl-C cut off have none."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, asyncio.CancelledError):
            self._tell(f"a request failed: {type(error).__name__}: {error}")


def _background_scores(library: Library, model: Path | None, tell: Tell) -> BackgroundScores | None:
    """The model to order clips by: the one asked for, or the last training's where it can be used."""
    if model is not None:
        (file,) = find_models([model], Path())
        return BackgroundScores(library, file)
    file = TRAINING_FOLDER / MODEL_FILE
    if not file.is_file():
        return None
    try:
        scores = BackgroundScores(library, file)
    except ModelError as error:
        tell(f"clips come in the order of their names: {error}")
        return None
    tell(f"the clips that {file} is least certain of come first")
    return scores


def _listen(port: int) -> socket.socket:
    """A socket that listens on loopback before the address is told, so that nobody comes too early.

    Raises:
        InputError: the port cannot be had.
    """
    try:
        return socket.create_server((HOST, port))
    except (OSError, OverflowError) as error:
        raise InputError(
            f"cannot listen on port {port} of {HOST} ({getattr(error, 'strerror', None) or error})",
            remedy="choose another port, or 0 for a free one",
        ) from None
