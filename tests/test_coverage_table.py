"""The table of coverage counts branches by package and gives no row to what was not run."""

from __future__ import annotations

from hardening.branches import by_package, row, share_of_branches


def entry(lines: int, statements: int, taken: int, branches: int) -> dict[str, dict[str, int]]:
    counts = {"covered_lines": lines, "num_statements": statements, "covered_branches": taken, "num_branches": branches}
    return {"summary": counts}


def test_files_are_added_up_by_package() -> None:
    found = by_package(
        {
            "packages/core/src/footage/a.py": entry(8, 10, 3, 4),
            "/checkout/packages/core/src/footage/b/c.py": entry(2, 10, 0, 4),
            "packages/blur-train/src/blur_train/d.py": entry(0, 7, 0, 2),
            "packages/video-train/src/video_train/e.py": entry(5, 5, 0, 0),
            "tests/test_a.py": entry(5, 5, 2, 2),
        }
    )
    assert set(found) == {"core", "video-train"}
    assert row("core", found["core"]) == "| core | 50.0% | 37.5% | 3 of 8 | 46.4% |"
    assert share_of_branches(found["video-train"]) == 1.0
