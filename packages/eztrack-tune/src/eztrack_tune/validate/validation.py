"""All that a validation found, and ``validation.json``, by which ``apply`` is let through or not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from eztrack_tune.aggregate.recommendation import Defaults
from eztrack_tune.sessions import fields
from eztrack_tune.validate.gates import ClassValidation, Limits
from footage.dataset.discover import Skipped
from footage.errors import DatasetError

VALIDATION_FILE = "validation.json"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """All that was found.

    Attributes:
        defaults: what should ship.
        limits: what the gates ask for.
        classes: those for which something new should ship, by name.
        left_out: sessions that did not count, by reason.
        skipped: files that could not be read.
    """

    defaults: Defaults
    limits: Limits
    classes: dict[str, ClassValidation]
    left_out: dict[str, int]
    skipped: tuple[Skipped, ...]

    @property
    def passed(self) -> bool:
        """Whether every gate of every class was met."""
        return all(one.passed for one in self.classes.values())

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        if not self.classes:
            return "Nothing new should ship: today's defaults stay in every class, and there is nothing to validate."
        failed = [name for name, one in self.classes.items() if not one.passed]
        count = len(self.classes)
        if not failed:
            return f"Every gate is met in {count} class{'' if count == 1 else 'es'}: {', '.join(self.classes)}."
        return f"Gates are not met in {len(failed)} of {count} class{'' if count == 1 else 'es'}: {', '.join(failed)}."

    def document(self) -> dict[str, object]:
        """The content of ``validation.json``."""
        return {
            "format_version": FORMAT_VERSION,
            "lead": self.lead,
            "passed": self.passed,
            "defaults_sha256": self.defaults.sha256,
            "limits": self.limits,
            "classes": {name: _class_document(one) for name, one in self.classes.items()},
            "left_out": self.left_out,
            "skipped": self.skipped,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """What ``apply`` needs to know of a class.

    Attributes:
        clips: held-out clips.
        success: share of them that were solved at the first try.
        plain_error_px: mean of Blender's average error; None where none was solved.
        cleaned_error_px: the same without the tracks that fit badly.
    """

    clips: int
    success: float | None
    plain_error_px: float | None
    cleaned_error_px: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """``validation.json`` as ``apply`` reads it.

    Attributes:
        passed: whether every gate was met.
        lead: the result in one sentence.
        defaults_sha256: of the ``defaults.json`` that was validated.
        classes: by name.
    """

    passed: bool
    lead: str
    defaults_sha256: str
    classes: dict[str, Validated]


def read_validation(path: Path) -> Passed:
    """Read ``validation.json``, or that of a folder.

    Raises:
        DatasetError: it is missing, is none, is of a later version, or incomplete.
    """
    file = path / VALIDATION_FILE if path.is_dir() else path
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"cannot be read ({error.strerror})", where=file, remedy="validate the defaults first"
        ) from error
    except (ValueError, RecursionError) as error:
        raise DatasetError("is no JSON", where=file, remedy="validate the defaults again") from error
    if not isinstance(document, dict) or document.get("format_version") != FORMAT_VERSION:
        raise DatasetError("is no validation of this version", where=file, remedy="validate the defaults again")
    try:
        classes = fields.mapping(document, "classes")
        return Passed(
            passed=fields.truth(document, "passed"),
            lead=fields.optional_text(document, "lead") or "",
            defaults_sha256=fields.optional_text(document, "defaults_sha256") or "",
            classes={name: _validated(fields.mapping(classes, name)) for name in classes},
        )
    except DatasetError as error:
        raise DatasetError(error.what, where=file, remedy="validate the defaults again") from error


def _validated(values: dict[str, object]) -> Validated:
    return Validated(
        clips=fields.whole(values, "clips"),
        success=fields.optional_share(fields.mapping(values, "success"), "estimate"),
        plain_error_px=fields.optional_number(values, "plain_error_px"),
        cleaned_error_px=fields.optional_number(values, "cleaned_error_px"),
    )


def _class_document(found: ClassValidation) -> dict[str, object]:
    return {
        "settings": found.recommended.settings.as_dict(),
        "passed": found.passed,
        "gates": found.gates,
        "clips": len({clip.clip for clip in found.clips}),
        "success": found.success,
        "track_rate": found.track_rate,
        "plain_error_px": found.plain_error_px,
        "cleaned_error_px": found.cleaned_error_px,
        "gain_over_today": found.gain,
        "versions": found.versions,
        "platforms": found.platforms,
        "trials": [
            {
                "clip": clip.name,
                "solved": clip.session.solved,
                "not_solved_because": clip.session.not_solved_because,
                "plain_error_px": clip.session.raw_error_px,
                "cleaned_error_px": clip.session.measured.cleaned_error_px,
                "version": clip.session.backend_version,
                "platform": clip.session.platform,
            }
            for clip in found.clips
        ],
    }
