"""Making the film: each cut is normalised into an intermediate, neighbours are joined, one encoder takes it all.

At most three intermediates exist at a time and at most two are open, however many cuts there are. The joined picture
flows from one ffmpeg into another as bare frames: frame n is frame n, no timestamps can drift, and the whole reel is
one encoding. The sound is collected as bare samples and joins the picture at the end.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

from footage.dataset.discover import Skipped
from footage.errors import DatasetError, FootageError
from footage.video.probe import probe
from footage.video.types import VideoInfo
from highlight_train.reel.ffmpeg import (
    FFmpeg,
    FFmpegFailed,
    failure,
    file_argument,
    interrupts_held_back,
    run,
    started,
)
from highlight_train.reel.plan import SAMPLE_RATE, Cut, Layout, fewest_frames, lay_out

LOSSLESS = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-c:a", "pcm_s16le")
SOUND = "aformat=sample_fmts=s16:channel_layouts=stereo"
INDEXED = {"mov", "matroska", "avi"}
"""Containers in which a seek finds the key frame before a time. In others it may end up behind it."""
LEAD_SECONDS = Fraction(5)
"""How much earlier to seek in those."""
EXACT = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
"""Without these a change of colour matrix darkens the picture by one to three levels."""
BT709 = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """How the reel looks.

    Attributes:
        size: (width, height) in pixels, both even.
        rate: frames a second.
        overlap_frames: length of a full crossfade; 0 for hard cuts.
        crf: x264's constant quality.
    """

    size: tuple[int, int]
    rate: Fraction
    overlap_frames: int
    crf: int = 20


@dataclass(frozen=True, slots=True)
class Rendered:
    """What became of the cuts.

    Attributes:
        layout: the reel as it is in the file.
        notes: what the user should know of a cut that is in it, by its clip.
        left_out: clips that could not be cut, with the reason.
    """

    layout: Layout
    notes: dict[Path, str]
    left_out: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class _Normalised:
    """A cut as a file of the reel's size, rate and sound."""

    cut: Cut
    file: Path
    note: str | None


def render(
    cuts: Sequence[Cut],
    film: Film,
    output: Path,
    *,
    ffmpeg: FFmpeg,
    on_cut: Callable[[Cut, str | None], None],
) -> Rendered:
    """Make the film; cuts that cannot be made are left out.

    Args:
        cuts: in the order of the reel.
        film: how it looks.
        output: the file, replaced if it exists; intermediates lie in a folder beside it that is removed at the end.
        ffmpeg: the program.
        on_cut: called after each cut with the reason why it was left out, or None.

    Raises:
        DatasetError: No cut could be made.
        FootageError: The disk is full, or ffmpeg refused to join what it had made itself.
    """
    done: list[_Normalised] = []
    left_out: list[Skipped] = []
    with interrupts_held_back():
        intermediates = TemporaryDirectory(prefix=".reel-", dir=output.parent)
    with intermediates as name:
        folder = Path(name)
        picture, sound = folder / "picture.mp4", folder / "sound.pcm"
        with _encoder(ffmpeg, film, picture) as frames, sound.open("wb") as samples:
            joiner = _Joiner(ffmpeg, film, frames, samples)
            for number, cut in enumerate(cuts):
                try:
                    done.append(_normalise(cut, film, folder / f"{number}.mkv", ffmpeg))
                except FFmpegFailed as error:
                    left_out.append(Skipped(cut.path, str(error)))
                    on_cut(cut, str(error))
                    continue
                if len(done) > 1:
                    joiner.write(done, len(done) - 2)
                on_cut(cut, None)
            if not done:
                raise _nothing(left_out)
            joiner.write(done, len(done) - 1)
        _mux(ffmpeg, picture, sound, output)
    layout = lay_out([each.cut for each in done], film.rate, film.overlap_frames)
    notes = {each.cut.path: each.note for each in done if each.note is not None}
    return Rendered(layout, notes, tuple(left_out))


def _nothing(left_out: Sequence[Skipped]) -> DatasetError:
    first = left_out[0]
    what = f"none of the {len(left_out)} cuts could be made; the first: {first.reason}"
    return DatasetError(what, where=first.path, remedy="scan the library again, or look at these clips in a player")


def _normalise(cut: Cut, film: Film, file: Path, ffmpeg: FFmpeg) -> _Normalised:
    """Cut a piece out of a clip as an intermediate of the reel's form.

    Raises:
        FFmpegFailed: There is nothing to be had from the clip, in words.
    """
    try:
        info = probe(cut.path)
    except FootageError as error:
        raise FFmpegFailed(error.what) from error
    note = None
    try:
        frames = _cut_out(ffmpeg, cut, info, film, file, sound=info.has_audio)
    except FFmpegFailed as error:
        if not info.has_audio:
            raise
        # A camera's odd sound track is no reason to lose the picture.
        frames = _cut_out(ffmpeg, cut, info, film, file, sound=False)
        note = f"silent, because its sound could not be decoded: {error}"
    if frames < fewest_frames(film.rate):
        start_seconds, had = float(cut.start_frame / film.rate), float(frames / film.rate)
        raise FFmpegFailed(f"only {had:.2f} s could be decoded from {start_seconds:.2f} s on")
    if frames < cut.frames - 1:
        had, wanted = float(frames / film.rate), float(cut.frames / film.rate)
        shorter = f"{had:.2f} s long instead of {wanted:.2f} s: the clip ends early"
        note = shorter if note is None else f"{shorter}; {note}"
    return _Normalised(replace(cut, frames=frames), file, note)


def _cut_out(ffmpeg: FFmpeg, cut: Cut, info: VideoInfo, film: Film, file: Path, *, sound: bool) -> int:
    """Run the cut and return how many frames came out."""
    start_seconds = cut.start_frame / film.rate
    lead_seconds = Fraction(0) if info.container in INDEXED else min(start_seconds, LEAD_SECONDS)
    begin = float(start_seconds - lead_seconds) + info.start_seconds
    # From the key frame before: the frame on display at the start may have begun long before it.
    seek = ["-noaccurate_seek", "-seek_timestamp", "1", "-ss", f"{begin:.6f}", "-i", file_argument(cut.path)]
    # One frame's sound more than the picture: where it begins on the reel decides how its last sample is rounded.
    samples = int((cut.frames + 1) * SAMPLE_RATE / film.rate)
    heard = _sound_filter(samples, lead_seconds) if sound else _silence(samples)
    graph = f"[0:V:0]{_picture_filter(cut.frames, film, lead_seconds)}[v];{heard}[a]"
    maps = ["-map", "[v]", "-map", "[a]", "-map_metadata", "-1", "-map_chapters", "-1"]
    count = ["-progress", "pipe:1"]
    report = run(ffmpeg, [*seek, "-filter_complex", graph, *maps, *LOSSLESS, *count, file_argument(file)])
    counts = [line.partition(b"=")[2] for line in report.splitlines() if line.startswith(b"frame=")]
    return int(counts[-1]) if counts else 0


def _picture_filter(frames: int, film: Film, lead_seconds: Fraction) -> str:
    """A clip's picture as the reel wants it: rate, shape (bars, never distortion), square pixels, BT.709."""
    width, height = film.size
    wider = f"gt(dar,{width}/{height})"
    across = f"if({wider},{width},max(2,2*round({height}*dar/2)))"
    down = f"if({wider},max(2,2*round({width}/dar/2)),{height})"
    return ",".join(
        (
            f"fps={film.rate}:start_time={float(lead_seconds):.6f}",
            f"trim=end_frame={frames}",
            f"scale=w='{across}':h='{down}':flags={EXACT}:out_color_matrix=bt709:out_range=tv",
            f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2",
            "setsar=1",
            "format=yuv420p",
            BT709,
            f"settb=1/({film.rate})",
            "setpts=N",
        )
    )


def _sound_filter(samples: int, lead_seconds: Fraction) -> str:
    """A clip's sound as the reel wants it, with silence where it has gaps or ends early."""
    # Without first_pts a sound track that begins after the picture would be moved up to it.
    filled = f"aresample={SAMPLE_RATE}:async=1:first_pts=0,{SOUND}"
    return f"[0:a:0]{filled},atrim=start={float(lead_seconds):.6f},asetpts=N,apad,atrim=end_sample={samples}"


def _silence(samples: int) -> str:
    """What a clip without sound is given."""
    return f"anullsrc=r={SAMPLE_RATE}:cl=stereo,{SOUND},atrim=end_sample={samples}"


class _Joiner:
    """Writes the reel's frames and samples, one cut at a time, each with its crossfade from the cut before."""

    def __init__(self, ffmpeg: FFmpeg, film: Film, frames: IO[bytes], samples: IO[bytes]) -> None:
        self._ffmpeg = ffmpeg
        self._film = film
        self._frames = frames
        self._samples = samples

    def write(self, done: Sequence[_Normalised], index: int) -> None:
        """Write from where a cut begins to be seen to where the next one does, or to the end."""
        layout = lay_out([each.cut for each in done], self._film.rate, self._film.overlap_frames)
        here = layout.placed[index]
        last = index + 1 == len(done)
        end = here.end_frame if last else layout.placed[index + 1].first_frame
        inputs = ["-i", file_argument(done[index].file)]
        frames, begin = end - here.first_frame, layout.sample_at(here.first_frame)
        tick = f"settb=1/({self._film.rate}),setpts=N"
        graph = [
            f"[0:v]trim=end_frame={frames},{tick}[v]",
            f"[0:a]atrim=end_sample={layout.sample_at(end) - begin},asetpts=N[a]",
        ]
        picture, sound = "[v]", "[a]"
        if here.overlap_frames:
            before = layout.placed[index - 1]
            inputs += ["-i", file_argument(done[index - 1].file)]
            skipped = layout.sample_at(here.first_frame) - layout.sample_at(before.first_frame)
            shared = layout.sample_at(before.end_frame) - begin
            seconds = float(here.overlap_frames / self._film.rate)
            passed = here.first_frame - before.first_frame
            graph += [
                f"[1:v]trim=start_frame={passed}:end_frame={before.cut.frames},{tick}[w]",
                f"[w][v]xfade=duration={seconds:.9f}:offset=0,format=yuv420p[x]",
                f"[1:a]atrim=start_sample={skipped}:end_sample={skipped + shared},asetpts=N[b]",
                f"[b][a]acrossfade=ns={shared}:c1=tri:c2=tri[y]",
            ]
            picture, sound = "[x]", "[y]"
        self._run([*inputs, "-filter_complex", ";".join(graph)], picture, sound, done[index].file)
        if index:
            done[index - 1].file.unlink()

    def _run(self, arguments: list[str], picture: str, sound: str, file: Path) -> None:
        pcm = file.with_suffix(".pcm")
        bare = ["-map", picture, "-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"]
        try:
            run(
                self._ffmpeg,
                [*arguments, *bare, "-map", sound, "-f", "s16le", file_argument(pcm)],
                stdout=self._frames,
            )
        except FFmpegFailed as error:
            raise FootageError(f"ffmpeg could not join the cuts: {error}") from error
        with pcm.open("rb") as part:
            while block := part.read(1 << 20):
                self._samples.write(block)
        pcm.unlink()


@contextmanager
def _encoder(ffmpeg: FFmpeg, film: Film, output: Path) -> Iterator[IO[bytes]]:
    """An ffmpeg that encodes the bare frames written to it.

    Raises:
        FootageError: It failed.
    """
    width, height = film.size
    form = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", str(film.rate), "-i", "pipe:0"]
    codec = ["-c:v", "libx264", "-preset", "medium", "-crf", str(film.crf), "-pix_fmt", "yuv420p"]
    arguments = [*form, "-vf", BT709, *codec, file_argument(output)]
    with (
        TemporaryFile() as words,
        started(ffmpeg, arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=words) as process,
    ):
        assert process.stdin is not None  # noqa: S101 - asked for above
        try:
            yield process.stdin
        except FootageError as error:
            # Who writes to an encoder that is gone fails too; the encoder knows why.
            if process.poll() is None:
                raise
            raise _encoding_failed(words) from error
        process.stdin.close()
        if process.wait() != 0:
            raise _encoding_failed(words)


def _encoding_failed(words: IO[bytes]) -> FootageError:
    words.seek(0)
    return FootageError(f"the reel could not be encoded: {failure(words.read())}")


def _mux(ffmpeg: FFmpeg, picture: Path, sound: Path, output: Path) -> None:
    """Bring picture and sound together, the index in front so that the file plays while it loads."""
    pcm = ["-f", "s16le", "-ar", str(SAMPLE_RATE), "-ac", "2", "-i", file_argument(sound)]
    codec = ["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "192k", "-movflags", "+faststart"]
    try:
        run(ffmpeg, ["-i", file_argument(picture), *pcm, *codec, file_argument(output)])
    except FFmpegFailed as error:
        raise FootageError(f"the reel could not be written: {error}", where=output) from error
