"""The report of a scan: the grid, its holes, a picture of each clip, and where folders and measures disagree."""

from __future__ import annotations

from eztrack_tune.scan.coverage import GRID_COLUMNS, grid, holes, lead
from eztrack_tune.scan.record import Scan, ScannedClip
from footage.errors import FootageError, printable
from footage.report.page import Page
from footage.report.sheets import contact_sheet
from footage.video import open_video

MOST_PICTURES = 60


def lay_out(scan: Scan) -> Page:
    """The page; a picture of each clip is read anew."""
    page = Page("What the library holds", lead(scan))
    _pictures(page, scan)
    page.section("Coverage")
    page.table(
        GRID_COLUMNS,
        grid(scan),
        caption="Clips by class and measured difficulty. Finer classes are those that the add-on does not tell apart.",
    )
    page.table(("hole in the library",), [(hole,) for hole in holes(scan)])
    _clips(page, scan)
    _disagreements(page, scan)
    if scan.left_out:
        page.section("Left out")
        page.table(("file", "why"), [(printable(one.path), printable(one.reason)) for one in scan.left_out])
    return page


def _pictures(page: Page, scan: Scan) -> None:
    images, captions = [], []
    for clip in scan.clips[:MOST_PICTURES]:
        try:
            with open_video(clip.path, threads=1) as reader:
                images.append(reader.frame_at(0).image)
        except (FootageError, OSError):
            continue  # it was read a moment ago: a report with one picture less is better than none
        captions.append(f"{clip.footage.name} {clip.difficulty} {clip.motion}")
    if images:
        left = len(scan.clips) - len(images)
        more = f" {left} more are not shown." if left > 0 else ""
        page.figure(
            contact_sheet(images, captions, columns=5, height=120),
            f"The first frames of {len(images)} clips with class, difficulty and motion",
            f"The first frame of each clip, with what was measured.{more}",
        )


def _clips(page: Page, scan: Scan) -> None:
    page.section("Clips")
    page.table(
        ("clip", "class", "difficulty", "why", "motion", "side", "blur", "texture", "moves, % a frame"),
        [_row(clip) for clip in scan.clips],
        caption="Blur: 0 is crisp, 1 is nothing but blur. Moves: how far a point moves from frame to frame in the "
        "middle frame, as a share of the longer side.",
    )


def _row(clip: ScannedClip) -> tuple[object, ...]:
    measures = clip.measures
    return (
        printable(clip.path.name),
        clip.footage.name if not clip.footage.portrait else f"{clip.footage.name} (portrait)",
        clip.difficulty.value,
        ", ".join(clip.why_not_easy) or None,
        clip.motion.value,
        clip.side.replace("_", " "),
        f"{measures.blur:.2f}",
        f"{measures.texture:.2f}",
        f"{100 * measures.displacement:.2f}",
    )


def _disagreements(page: Page, scan: Scan) -> None:
    page.section("Where the folder says something else")
    rows = [(printable(str(clip.path)), one) for clip in scan.clips for one in clip.disagreements]
    portrait = [clip for clip in scan.clips if clip.footage.addon_says != clip.footage.name]
    if portrait:
        page.note(
            f"{len(portrait)} portrait clip{'' if len(portrait) == 1 else 's'}: the add-on goes by width and takes "
            "them for a smaller class.",
            kind="info",
        )
    if rows:
        page.table(("clip", "what"), rows)
    else:
        page.text("Nowhere: folders that name a class or a difficulty agree with what was measured.")
