"""One process at a time: a lock on an open file, which the system releases when the process ends, however it ends."""

from __future__ import annotations

import errno
import logging
import os
import sys

LOGGER = logging.getLogger(__name__)
UNSUPPORTED = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
WINDOWS_LOCK_OFFSET = 0x7FFF_0000
"""Windows locks bytes against reading too: lock one that no journal of ours reaches."""


def lock_exclusively(descriptor: int) -> bool:
    """Lock an open file for this process until the descriptor is closed; does not wait.

    On a file system without locks (some network shares) the lock cannot be had: a warning is logged and the work goes
    on, as it would for the only process there.

    Args:
        descriptor: an open file's descriptor.

    Returns:
        False where another descriptor, of this process or of another, holds the lock.

    Raises:
        OSError: the descriptor is no open file.
    """
    try:
        _lock(descriptor)
    except OSError as error:
        if error.errno in {errno.EACCES, errno.EAGAIN, errno.EDEADLK}:
            return False
        if error.errno not in UNSUPPORTED:
            raise
        LOGGER.warning("no file locks here (%s): do not run two commands on one output folder", error.strerror)
    return True


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        position = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, WINDOWS_LOCK_OFFSET, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, position, os.SEEK_SET)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
