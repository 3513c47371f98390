"""The verb ``apply``: shows the difference, then writes the table into the add-on's source."""

from __future__ import annotations

import difflib
import shutil
from dataclasses import dataclass
from pathlib import Path

from eztrack_tune.aggregate.recommendation import Defaults, read_defaults
from eztrack_tune.apply.comments import changes_text, entries_of, header_of
from eztrack_tune.apply.edit import edited
from eztrack_tune.apply.history import with_row
from eztrack_tune.apply.source import parsed, read_source, table_of
from eztrack_tune.asking import agreed
from eztrack_tune.validate.validation import Passed, read_validation
from footage.cli.console import print_json, result
from footage.cli.exits import ExitCode
from footage.errors import GateNotMet, InputError, printable
from footage.runs.files import atomic_path


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """What to write, and where.

    Attributes:
        defaults: ``defaults.json`` or its folder.
        validation: ``validation.json`` or its folder.
        target: the add-on's source file.
        history: Markdown file with the version history; None for none.
        release: version of the new row; None takes the next one.
        yes: write without asking.
    """

    defaults: Path
    validation: Path
    target: Path
    history: Path | None = None
    release: str | None = None
    yes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One file, before and after.

    Attributes:
        path: the file.
        before: its bytes.
        after: what is to be written.
    """

    path: Path
    before: bytes
    after: bytes

    @property
    def changed(self) -> bool:
        """Whether anything differs."""
        return self.before != self.after

    def diff(self) -> str:
        """The difference, as ``diff -u`` shows it."""
        before, after = (text.decode("utf-8", "backslashreplace").splitlines() for text in (self.before, self.after))
        name = printable(str(self.path))
        return "\n".join(difflib.unified_diff(before, after, f"{name} (before)", f"{name} (after)", lineterm=""))


def plan(options: ApplyOptions) -> list[Edit]:
    """What would be written; nothing is.

    Raises:
        GateNotMet: the validation did not pass, or it is of other defaults.
        InputError: a file cannot be read or edited; every file is then as it was.
        DatasetError: the defaults or the validation cannot be read.
    """
    defaults = read_defaults(options.defaults)
    source = read_source(options.target)
    before = table_of(source)
    if not defaults.changed:
        return [Edit(path=options.target, before=source.content, after=source.content)]
    validation = read_validation(options.validation)
    _check(defaults, validation)
    entries, header = entries_of(defaults), header_of(defaults, validation)
    after = edited(source, entries, header)
    wanted = {**before, **{one.class_name: one.settings for one in defaults.changed}}
    written = parsed(source.path, after)
    if table_of(written) != wanted or edited(written, entries, header) != after:
        raise InputError(
            "its table is written in a way that cannot be edited without changing more than the values",
            where=source.path,
            remedy="write each class and each setting on lines of their own",
        )
    edits = [Edit(path=options.target, before=source.content, after=after)]
    changes = changes_text(before, wanted)
    if options.history is not None and changes:
        edits.append(_history(options.history, options.release, defaults, changes))
    return edits


def show(options: ApplyOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb: print the difference, ask, write.

    Raises:
        FootageError: as :func:`plan`, or nobody can be asked.
    """
    edits = plan(options)
    changed = [edit for edit in edits if edit.changed]
    written = False
    if changed and not as_json:
        for edit in changed:
            result(edit.diff())
    if changed and not dry_run and (options.yes or agreed(f"write {', '.join(str(edit.path) for edit in changed)}")):
        # The history first: a row is not added twice, and the source is what a second run goes by.
        for edit in reversed(changed):
            write(edit)
        written = True
    if as_json:
        shown = [{"path": str(edit.path), "changed": edit.changed, "diff": edit.diff()} for edit in edits]
        print_json({"written": written, "files": shown})
    elif not changed:
        result(f"{printable(str(options.target))}: nothing to change")
    else:
        for edit in changed:
            result(printable(f"{'written' if written else 'not written'}: {edit.path}"))
    return ExitCode.DONE


def _check(defaults: Defaults, validation: Passed) -> None:
    if validation.defaults_sha256 != defaults.sha256:
        raise GateNotMet("the validation is of other defaults", remedy="validate these defaults")
    if not validation.passed:
        raise GateNotMet(f"nothing was written: {validation.lead[:-1]}", remedy="see the report of the validation")
    missing = [one.class_name for one in defaults.changed if one.class_name not in validation.classes]
    if missing:
        raise GateNotMet(f"not validated: {', '.join(missing)}", remedy="validate these defaults")


def _history(path: Path, release: str | None, defaults: Defaults, changes: str) -> Edit:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path) from error
    after = with_row(path, content, release=release, on=defaults.made_on, changes=changes)
    return Edit(path=path, before=content, after=after)


def write(edit: Edit) -> None:
    """Write a file whole or not at all, with the permissions that it had.

    Raises:
        InputError: it changed since it was read.
    """
    if edit.path.read_bytes() != edit.before:
        raise InputError("was changed while this ran", where=edit.path, remedy="run the same command again")
    with atomic_path(edit.path) as temporary:
        temporary.write_bytes(edit.after)
        shutil.copymode(edit.path, temporary)
