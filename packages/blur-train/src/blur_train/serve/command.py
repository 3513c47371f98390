"""The verbs ``serve`` and ``serve-worker``: a server on an address, and workers for its batches."""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from blur_train.serve.app import Parts, make_app
from blur_train.serve.jobs import Jobs, LocalJobs, Spool
from blur_train.serve.judging import ModelHolder
from blur_train.serve.options import ServeOptions
from footage.cli.console import result
from footage.cli.exits import ExitCode
from footage.errors import FootageError, InputError

KEYS_VARIABLE: Final = "BLUR_TRAIN_API_KEYS"
SHORTEST_KEY: Final = 16
_GRACE_SECONDS: Final = 30
"""How long requests under way may go on after the server was told to end."""

Tell = Callable[[str], None]


def serve(options: ServeOptions, tell: Tell) -> ExitCode:
    """Serve until Ctrl-C or SIGTERM; the address is the only line on standard output.

    A model that is missing does not keep the server from starting: it answers 503 until there is one.

    Args:
        options: what to serve, and to whom.
        tell: told what is going on.

    Raises:
        InputError: the address cannot be had, or would be open to everybody without a key.
        OSError: the spool cannot be made.
    """
    import uvicorn

    _check_open(options)
    with _spool(options) as folder:
        spool = Spool(folder)
        model = ModelHolder(options.model, device=options.device)
        app = make_app(
            Parts(
                model=model,
                jobs=_jobs(options, spool, model),
                spool=spool,
                limits=options.limits,
                keys=options.keys,
                threads=options.threads,
            )
        )
        _log_to_stderr()
        with _listen(options.host, options.port) as listening:
            _tell_of(options, model, tell)
            host = f"[{options.host}]" if ":" in options.host else options.host
            result(f"http://{host}:{listening.getsockname()[1]}")
            sys.stdout.flush()
            config = uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
            try:
                with _terminated_as_interrupted():
                    uvicorn.Server(config).run(sockets=[listening])
            except KeyboardInterrupt:  # the way to end it; the server has closed its connections before it raises this
                tell("ended")
    return ExitCode.DONE


def work(broker: str, options: ServeOptions, tell: Tell) -> ExitCode:
    """Judge photos of batches until told to stop.

    Args:
        broker: the address of the server's Redis.
        options: the server's model, spool, device and limits; its threads are the worker's processes.
        tell: told what is going on.

    Raises:
        InputError: there is no spool, or the address is none of a Redis.
        OSError: the spool cannot be made.
    """
    from blur_train.serve.worker import run_worker

    if options.spool is None:
        raise InputError("no spool is given", remedy="name the folder in which the server keeps the photos of batches")
    ModelHolder(options.model, device=options.device).get()  # said now rather than for every photo
    _check_broker(broker)
    _log_to_stderr()
    tell(f"{options.threads} processes judge photos from {options.spool}; Ctrl-C ends it")
    run_worker(
        broker,
        model=options.model,
        spool=options.spool,
        processes=options.threads,
        device=options.device,
        limits=options.limits,
    )
    return ExitCode.DONE


def keys_from(file: Path | None) -> tuple[str, ...]:
    """The keys that callers may send: from a file, one a line, else from ``BLUR_TRAIN_API_KEYS``, with commas.

    Raises:
        InputError: the file cannot be read or holds none, or a key is too short or cannot stand in a header.
    """
    try:
        text = os.environ.get(KEYS_VARIABLE, "").replace(",", "\n") if file is None else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as a list of keys ({error})", where=file) from None
    keys = tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    if file is not None and not keys:
        raise InputError("holds no key", where=file, remedy="write one a line")
    for number, key in enumerate(keys, start=1):
        if len(key) < SHORTEST_KEY or not key.isascii() or not key.isprintable():
            what = f"key {number} is shorter than {SHORTEST_KEY} characters, or not plain ASCII"
            raise InputError(what, where=file or KEYS_VARIABLE, remedy="make one with: openssl rand -hex 32")
    return keys


def _check_open(options: ServeOptions) -> None:
    if options.keys or _is_loopback(options.host):
        return
    raise InputError(
        f"would be open to everybody who can reach {options.host}",
        remedy=f"give keys that callers must send ({KEYS_VARIABLE}), or listen on 127.0.0.1",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_broker(broker: str) -> None:
    from redis import Redis
    from redis.exceptions import RedisError

    from blur_train.serve.queue import CONNECT_SECONDS

    try:
        with Redis.from_url(broker, socket_connect_timeout=CONNECT_SECONDS) as redis:
            redis.ping()
    except (RedisError, ValueError) as error:
        # the address may hold a password: it is not repeated
        raise InputError(f"the Redis cannot be reached ({error})", remedy="start it, or check its address") from None


def _jobs(options: ServeOptions, spool: Spool, model: ModelHolder) -> Jobs:
    if options.broker is None:
        return LocalJobs(spool, model, options.limits, threads=options.threads)
    _check_broker(options.broker)
    from blur_train.serve.queue import RedisJobs

    return RedisJobs(options.broker, spool, options.limits)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does: else the process would be gone before its temporary folder is removed."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _spool(options: ServeOptions) -> Iterator[Path]:
    if options.spool is not None:
        yield options.spool.absolute()
        return
    if options.broker is not None:
        raise InputError(
            "workers need to know where the photos of batches are",
            remedy="name a folder that server and workers see under the same path",
        )
    with tempfile.TemporaryDirectory(prefix="blur-train-") as folder:
        yield Path(folder)


def _tell_of(options: ServeOptions, model: ModelHolder, tell: Tell) -> None:
    try:
        tell(f"serving {model.get().path}")
    except FootageError as error:
        tell(f"no photo can be judged yet: {error}")
    tell("callers must send a key" if options.keys else "anybody on this machine may call: no keys were given")
    tell("batches go to the queue" if options.broker is not None else "batches are done in this process")


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name, level in (("blur_train.serve", logging.INFO), ("uvicorn.error", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens before its address is told.

    Raises:
        InputError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"cannot listen on port {port} of {host} ({getattr(error, 'strerror', None) or error})",
            remedy="choose another address or port, or port 0 for a free one",
        ) from None
