"""The verb ``community``: a table from many contributors, none of whom can decide it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from eztrack_tune.aggregate.objective import WEIGHTS, components, score_of
from eztrack_tune.aggregate.paired import Comparison, Verdict, compare
from eztrack_tune.aggregate.recommendation import DEFAULTS_FILE, document_of, write_defaults
from eztrack_tune.aggregate.report import CLASS_COLUMNS, class_rows, gains, one_class
from eztrack_tune.aggregate.trials import Trial, mean_of
from eztrack_tune.classes import CLASS_NAMES, default_settings
from eztrack_tune.settings import TrackerSettings
from eztrack_tune.sharing.contribution import Contribution, SharedSession, parse_contribution
from eztrack_tune.sharing.weights import LARGEST_SHARE, LEAST_CONTRIBUTORS, Rejected, weighted, without_outliers
from footage.cli.console import print_json, print_table, result
from footage.cli.exits import ExitCode
from footage.dataset.discover import Skipped, find_media
from footage.errors import DatasetError, printable
from footage.report.page import Page
from footage.runs.directory import RunDirectory

REPORT_FILE = "report.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityOptions:
    """What to learn from.

    Attributes:
        contributions: files, folders and globs.
        output: the folder for everything written.
        backend: ``blender`` or ``opencv``.
        today: what ships now, by class; None for the add-on's latest known table.
        seed: of the resamples.
    """

    contributions: tuple[Path, ...]
    output: Path
    backend: str = "blender"
    today: dict[str, TrackerSettings] | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Community:
    """All that was found.

    Attributes:
        comparisons: by class.
        contributors: how many have a trial of the tracker.
        trials: how many there are.
        versions: of the tracker.
        rejected: results that did not count, by class.
        skipped: files that could not be used.
        backend: the tracker.
    """

    comparisons: dict[str, Comparison]
    contributors: int
    trials: int
    versions: tuple[str, ...]
    rejected: dict[str, list[Rejected]]
    skipped: tuple[Skipped, ...]
    backend: str

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        better = [name for name, one in self.comparisons.items() if one.verdict is Verdict.BETTER]
        found = (
            f"settings better than today's default in {', '.join(better)}"
            if better
            else "no settings that are shown to be better than today's default"
        )
        return f"{self.trials} trials of {self.contributors} contributors: {found}."


def find(options: CommunityOptions) -> Community:
    """Read the contributions and compare; nothing is written.

    Raises:
        DatasetError: there is no contribution, or none with a trial of the tracker.
    """
    contributions, skipped = read_contributions(options.contributions)
    trials, versions = _trials(contributions, options.backend)
    if not trials:
        raise DatasetError(f"no contribution has a trial of {options.backend}")
    rng = np.random.default_rng(options.seed)
    comparisons, rejected = {}, {}
    for name in (name for name in CLASS_NAMES if name in trials):
        today = (options.today or {}).get(name) or default_settings(name)
        scored, used = _scored(trials[name])
        kept, odd = without_outliers(scored, today)
        found = compare(name, weighted(kept), today=today, components=used, rng=rng)
        comparisons[name] = _if_enough(found, kept)
        if odd:
            rejected[name] = odd
    return Community(
        comparisons=comparisons,
        contributors=len({trial.group for several in trials.values() for trial, _ in several}),
        trials=sum(map(len, trials.values())),
        versions=versions,
        rejected=rejected,
        skipped=tuple(skipped),
        backend=options.backend,
    )


def run(options: CommunityOptions) -> Community:
    """Read, compare, and write ``defaults.json`` and the report.

    Raises:
        DatasetError: as :func:`find`.
        InputError: another process is working in the output folder.
    """
    found = find(options)
    with RunDirectory(options.output).open(tool="eztrack-tune", seed=options.seed) as folder:
        document = document_of(
            found.comparisons,
            made_on=datetime.now(UTC).date(),
            backend=found.backend,
            versions=found.versions,
            platforms=(),
            sessions=found.trials,
        )
        write_defaults(document, folder.file(DEFAULTS_FILE))
        lay_out(found).write(folder.file(REPORT_FILE))
        folder.finish(contributors=found.contributors, trials=found.trials, skipped=found.skipped)
    return found


def show(options: CommunityOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Returns:
        ``SOME_INPUTS_FAILED`` where a file could not be used.

    Raises:
        FootageError: as :func:`run`.
    """
    found = find(options) if dry_run else run(options)
    files = [] if dry_run else [str(options.output / name) for name in (DEFAULTS_FILE, REPORT_FILE)]
    if as_json:
        shown = {
            name: {"verdict": one.verdict, "reason": one.reason, "settings": one.settings.as_dict()}
            for name, one in found.comparisons.items()
        }
        print_json(
            {"lead": found.lead, "classes": shown, "rejected": found.rejected, "skipped": found.skipped, "files": files}
        )
    else:
        result(found.lead)
        print_table(CLASS_COLUMNS, class_rows(found.comparisons))
        for name, one in found.comparisons.items():
            result(f"{name}: {one.verdict.value}: {one.reason}")
        for name, several in found.rejected.items():
            for odd in several:
                result(_rejection(name, odd))
        for skipped in found.skipped:
            result(printable(f"could not be used: {skipped.path}: {skipped.reason}"))
        for file in files:
            result(file)
    return ExitCode.SOME_INPUTS_FAILED if found.skipped else ExitCode.DONE


def read_contributions(given: Sequence[Path]) -> tuple[list[Contribution], list[Skipped]]:
    """Read every contribution; one bad file never ends it.

    Raises:
        DatasetError: there is none.
    """
    discovery = find_media(given, {".json"})
    found, skipped = [], list(discovery.skipped)
    for file in discovery.files:
        try:
            found.append(parse_contribution(file.read_bytes(), str(file)))
        except DatasetError as error:
            skipped.append(Skipped(file, error.what))
        except OSError as error:
            skipped.append(Skipped(file, f"cannot be read ({error.strerror})"))
    if not found:
        why = f"; {skipped[0].path}: {skipped[0].reason}" if skipped else ""
        raise DatasetError(f"no contribution in {len(discovery.files)} files{why}")
    return found, skipped


def lay_out(found: Community) -> Page:
    """The page."""
    page = Page("What the community's sessions say", found.lead)
    gains(page, found.comparisons)
    page.table(
        CLASS_COLUMNS,
        class_rows(found.comparisons),
        caption=f"No contributor has more than {LARGEST_SHARE:.0%} of a class's weight, and intervals are from "
        "resampling contributors. Clips of contributors are not known to be different ones: validate on clips of "
        "your own before anything ships.",
    )
    for comparison in found.comparisons.values():
        one_class(page, comparison)
    page.section("Results that did not count")
    rows = [
        (name, odd.contributor[:8], str(odd.settings), odd.clips, f"{odd.gain:+.3f}", f"{odd.median:+.3f}")
        for name, several in found.rejected.items()
        for odd in several
    ]
    if rows:
        page.table(
            ("class", "contributor", "settings", "clips", "gain there", "median gain"),
            rows,
            caption="Further from what the other contributors found than their disagreement explains.",
        )
    else:
        page.text("None: no contributor's results are far from those of the others.")
    if found.skipped:
        page.table(("could not be used", "why"), [(printable(str(s.path)), printable(s.reason)) for s in found.skipped])
    return page


def _rejection(name: str, odd: Rejected) -> str:
    return (
        f"did not count: {name} {odd.settings} by {odd.contributor[:8]}: a gain of {odd.gain:+.3f}, and the median is "
        f"{odd.median:+.3f}"
    )


def _if_enough(found: Comparison, trials: Sequence[Trial]) -> Comparison:
    """A comparison with too few contributors recommends nothing."""
    there = {trial.group for trial in trials if trial.settings == found.today}
    if len(there) >= LEAST_CONTRIBUTORS:
        return found
    reason = f"{len(there)} contributors tried today's default, and {LEAST_CONTRIBUTORS} are needed"
    return replace(found, verdict=Verdict.TOO_FEW, reason=reason)


def _trials(
    contributions: Sequence[Contribution], backend: str
) -> tuple[dict[str, list[tuple[Trial, SharedSession]]], tuple[str, ...]]:
    """The trials of each class, not yet scored, and the versions of the tracker.

    A contributor's clip that comes again in another file is known by a trial that is the same in every digit.
    """
    found: dict[str, list[tuple[Trial, SharedSession]]] = {}
    versions: set[str] = set()
    known: dict[tuple[str, str], str] = {}
    for number, contribution in enumerate(contributions):
        names: dict[int, str] = {}
        for session in contribution.sessions:
            seen = known.get((contribution.contributor, _digits_of(session)))
            if seen is not None:
                names.setdefault(session.clip, seen)
        for session in contribution.sessions:
            key = (contribution.contributor, _digits_of(session))
            if session.backend != backend or key in known:
                continue
            clip = names.setdefault(session.clip, f"{contribution.contributor} {number} {session.clip}")
            known[key] = clip
            versions |= {session.backend_version} if session.backend_version else set()
            found.setdefault(session.class_name, []).append((_trial(session, clip, contribution.contributor), session))
    return found, tuple(sorted(versions))


def _digits_of(session: SharedSession) -> str:
    return repr(replace(session, clip=0))


def _trial(session: SharedSession, clip: str, contributor: str) -> Trial:
    return Trial(
        clip=clip,
        group=contributor,
        settings=session.settings,
        score=0.0,
        solved=float(session.solved),
        raw_error_px=session.raw_error_px if session.solved else None,
        cleaned_error_px=session.measured.cleaned_error_px if session.solved else None,
        success_rate=session.success_rate,
        difficulty=session.difficulty,
        sessions=1,
    )


def _scored(several: Sequence[tuple[Trial, SharedSession]]) -> tuple[list[Trial], tuple[str, ...]]:
    """The trials of one class with their scores, one for each clip and settings, and what the scores are made of."""
    have = [set(components(session.measured)) for _, session in several if session.solved]
    names = tuple(name for name in WEIGHTS if all(name in one for one in have))
    together: dict[tuple[str, TrackerSettings], list[Trial]] = {}
    for trial, session in several:
        value = score_of(components(session.measured), names) if session.solved else 0.0
        together.setdefault((trial.clip, trial.settings), []).append(replace(trial, score=value))
    return [_merged(same) for same in together.values()], names


def _merged(same: Sequence[Trial]) -> Trial:
    return replace(
        same[0],
        score=mean_of(one.score for one in same) or 0.0,
        solved=mean_of(one.solved for one in same) or 0.0,
        raw_error_px=mean_of(one.raw_error_px for one in same),
        cleaned_error_px=mean_of(one.cleaned_error_px for one in same),
        sessions=len(same),
    )
