"""``blur-train synth``: sharp photos become a set of all four classes, blurred as lenses and shutters do."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from blur_train.classes import CLASSES, BlurClass, EdgeCase, class_of_folder
from blur_train.photos import PHOTO_EXTENSIONS, read_photo
from blur_train.prepare.sources import apart
from blur_train.prepare.writing import read_mask, safe_stem
from blur_train.scenes.cases import Case, draw_case
from blur_train.scenes.photo import SyntheticPhoto, draw_photo
from blur_train.scenes.real import camera_for_photo, scene_of_photo
from blur_train.synth.manifest import DRAWN_FILE, DrawnPhoto, drawn_photo, write_drawn
from footage.cli.progress import Progress
from footage.dataset.discover import find_media
from footage.errors import DatasetError, InputError
from footage.parallel import parallel_map
from footage.runs.directory import RunDirectory
from footage.runs.files import atomic_write_bytes

JOURNAL_FILE = "drawn.jsonl"
SMOKE_PHOTOS = 4
TYPICAL_BYTES = 400_000

Tell = Callable[[str], None]
MakeProgress = Callable[[int, int], Progress]


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthOptions:
    """What to draw, and how.

    Attributes:
        source: folder of sharp photos; of a collection by class only the sharp ones are taken.
        output: folder of the set.
        per_photo: photos drawn of each original, the classes in turn.
        jobs: worker processes; None for one a core.
        seed: of everything that is drawn.
        most_photos: take only so many originals; None for all.
    """

    source: Path
    output: Path
    per_photo: int = 4
    jobs: int | None = None
    seed: int = 0
    most_photos: int | None = None

    def __post_init__(self) -> None:
        """Refuse a set inside its own source.

        Raises:
            InputError: the output lies in the source, or nothing would be drawn.
        """
        if self.per_photo < 1:
            raise InputError(f"{self.per_photo} photos of each original are none")
        if self.output.resolve().is_relative_to(self.source.resolve()):
            raise InputError(f"lies in {self.source}", where=self.output, remedy="choose a folder outside it")

    def settings(self) -> dict[str, Any]:
        """What the set depends on besides the photos."""
        return {"per_photo": self.per_photo, "seed": self.seed}


@dataclass(frozen=True, slots=True)
class Original:
    """A sharp photo and, where there is one, the mask of its subject."""

    path: Path
    mask: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was drawn.

    Attributes:
        photos: in the order of their files.
        failed: originals that could not be used, with the reason.
    """

    photos: tuple[DrawnPhoto, ...]
    failed: tuple[tuple[Path, str], ...]

    def counts(self) -> dict[str, int]:
        """Photos by class."""
        found = Counter(photo.label.value for photo in self.photos)
        return {name: found[name] for name in CLASSES}


def originals_of(options: SynthOptions) -> tuple[list[Original], list[tuple[Path, str]]]:
    """The photos to draw from, and what is there but no file that can be opened, with the reason.

    Raises:
        DatasetError: there is none.
    """
    if not options.source.is_dir():
        what = "is not a folder" if options.source.exists() else "does not exist"
        raise DatasetError(what, where=options.source, remedy="give a folder of sharp photos")
    media = find_media(options.source, PHOTO_EXTENSIONS)
    photos, masks = apart(media.files)
    sharp = [path for path in photos if _is_sharp(path.relative_to(options.source))]
    if not sharp:
        raise DatasetError("has no sharp photo", where=options.source, remedy="give a folder of sharp photos")
    found = [Original(path.absolute(), masks.get(path.with_suffix(""))) for path in sharp]
    return found[: options.most_photos], [(one.path, one.reason) for one in media.skipped]


def synthesize(options: SynthOptions, *, tell: Tell, make_progress: MakeProgress) -> Result:
    """Draw the set.

    An original that cannot be used is left out with its reason. Killed and called again, it goes on where it was.

    Args:
        options: what to draw, and how.
        tell: told what the user should know.
        make_progress: makes the progress display from the number of originals and how many are already done.

    Raises:
        DatasetError: no original could be used.
        InputError: another process is working in the folder.
    """
    originals, failed = originals_of(options)
    bare = sum(one.mask is None for one in originals)
    if bare:
        tell(f"{bare} of {len(originals)} photos have no mask beside them: an ellipse in the middle is their subject")
    with RunDirectory(options.output).open(tool="blur-train", seed=options.seed, settings=options.settings()) as folder:
        with folder.journal(options.settings(), name=JOURNAL_FILE) as journal:
            done: dict[str, Mapping[str, Any]] = {str(one["original"]): one for one in journal}
            done = {key: one for key, one in done.items() if _is_there(one, options.output)}
            todo = [one for one in originals if _key(one) not in done]
            draw = partial(_draw_all, options=options)
            with make_progress(len(originals), len(originals) - len(todo)) as progress:
                for outcome in parallel_map(draw, todo, jobs=options.jobs, ordered=False):
                    if outcome.value is None:
                        reason = "failed" if outcome.error is None else outcome.error.message
                        failed.append((outcome.item.path, reason))
                        progress.fail()
                        continue
                    record: dict[str, Any] = {
                        "original": _key(outcome.item),
                        "photos": [asdict(photo) for photo in outcome.value],
                    }
                    journal.append(record)
                    done[_key(outcome.item)] = record
                    progress.advance()
        photos = _photos(done[_key(one)] for one in originals if _key(one) in done)
        if not photos:
            what = f"none of the {len(originals)} photos can be used; {failed[-1][1]}"
            raise DatasetError(what, where=failed[-1][0])
        write_drawn(photos, options.settings(), options.output)
        folder.finish(photos=len(photos), files=[DRAWN_FILE])
    return Result(photos=photos, failed=tuple(failed))


def _is_sharp(path: Path) -> bool:
    """Whether a photo lies in no folder of another class."""
    labels = [label for label in map(class_of_folder, path.parts[:-1]) if label is not None]
    return all(label is BlurClass.SHARP for label in labels)


def _key(original: Original) -> str:
    status = original.path.stat()
    return f"{original.path} {status.st_size} {status.st_mtime_ns} {original.mask}"


def _entries(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(record["photos"])


def _is_there(record: Mapping[str, Any], folder: Path) -> bool:
    return all((folder / entry["file"]).is_file() for entry in _entries(record))


def _photos(records: Iterable[Mapping[str, Any]]) -> tuple[DrawnPhoto, ...]:
    # By name: an original that lies in two folders is drawn to the same files.
    photos = {entry["file"]: drawn_photo(entry) for record in records for entry in _entries(record)}
    return tuple(photos[file] for file in sorted(photos))


def _draw_all(original: Original, *, options: SynthOptions) -> list[DrawnPhoto]:
    """Draw and write the photos of one original, in a worker process.

    Raises:
        PhotoError: the original or its mask cannot be read.
        DatasetError: the mask does not fit.
    """
    data = original.path.read_bytes()
    content = hashlib.sha256(data).hexdigest()
    try:
        scene = scene_of_photo(read_photo(data).image, read_mask(original.mask), group=content[:16])
    except ValueError as error:
        raise DatasetError(str(error), where=original.mask or original.path) from error
    drawn = []
    first = int(content[12:16], 16)  # else one photo of each original would be of one class only
    for number in range(options.per_photo):
        # By content, not by place in the list: more originals change nothing about those that were there.
        rng = np.random.default_rng((options.seed, int(content[:12], 16), number))
        case = _case(rng, list(BlurClass)[(first + number) % len(BlurClass)])
        photo = draw_photo(rng, case, scene, camera=camera_for_photo(rng, case.edge_case))
        folder = f"{photo.label}" if photo.edge_case is None else f"{photo.label}/{photo.edge_case}"
        file = f"{folder}/{safe_stem(original.path)}-{content[:12]}-{number}.jpg"
        target = options.output / file
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic_write_bytes(target, photo.jpeg)
        drawn.append(_record(photo, file, str(original.path)))
    return drawn


def _case(rng: np.random.Generator, label: BlurClass) -> Case:
    """A case of this class; a photo's own texture stays as it is."""
    case = draw_case(rng, label)
    return Case(label=label) if case.edge_case is EdgeCase.LOW_TEXTURE else case


def _record(photo: SyntheticPhoto, file: str, source: str) -> DrawnPhoto:
    return DrawnPhoto(
        file=file,
        label=photo.label,
        edge_case=photo.edge_case,
        way=photo.way.value,
        radius_px=photo.radius_px,
        motion_px=photo.motion_px,
        background_radius_px=photo.background_radius_px,
        background_motion_px=photo.background_motion_px,
        subject_box=photo.subject_box,
        group=photo.group,
        family=photo.family,
        source=source,
        sha256=hashlib.sha256(photo.jpeg).hexdigest(),
    )
