"""Which codecs the FFmpeg inside PyAV has."""

from __future__ import annotations

from collections.abc import Iterable

import av
from av.codec import Codec
from av.codec.codec import UnknownCodecError


def codec_library() -> str:
    """PyAV's version, and that of the FFmpeg library it decodes with."""
    return f"PyAV {av.__version__}, libavcodec {av.library_versions['libavcodec'][0]}"


def missing_codecs(decoders: Iterable[str], encoders: Iterable[str]) -> list[str]:
    """The codecs that are not there, by FFmpeg's names; encoders are marked as such."""
    missing = [name for name in decoders if not _has(name, encoder=False)]
    return missing + [f"{name} (encoder)" for name in encoders if not _has(name, encoder=True)]


def _has(name: str, *, encoder: bool) -> bool:
    try:
        Codec(name, "w" if encoder else "r")
    except UnknownCodecError:
        return False
    return True
