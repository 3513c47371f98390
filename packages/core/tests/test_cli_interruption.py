"""Ctrl-C that is heard at leisure: the first is a wish, the second an end."""

from __future__ import annotations

import signal

import pytest

from footage.cli.interruption import interruption


def test_the_first_is_told_and_the_second_raises() -> None:
    usual = signal.getsignal(signal.SIGINT)
    with interruption() as wanted:
        assert not wanted()
        signal.raise_signal(signal.SIGINT)
        assert wanted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == usual
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
