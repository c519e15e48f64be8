"""What the page says of the corrections as a whole: the audit of the corrected dataset as it is now."""

from __future__ import annotations

from dataclasses import dataclass

from clc_text.analysis.corrected import has_corrections
from clc_text.artifacts.audit import Audit
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError


@dataclass(frozen=True)
class Judged:
    """An audit, or why there is none.

    Attributes:
        audit: see `clc_text.corrections.audit`; None without a corrected dataset.
        remark: a sentence on what is missing or was made anew.
    """

    audit: Audit | None
    remark: str | None = None


def sound_audit(run: RunDirectory) -> Audit | None:
    """RUN/audit.json; None where there is none.

    Raises:
        InputError: it is damaged, or not of the corrected dataset as it is now.
    """
    from clc_text.corrections.existing_audit import read_audit
    from clc_text.corrections.store import Corrected

    if not run.file("corrected/corrected.json").is_file():
        return None
    facts = Corrected(run).facts
    return read_audit(run, facts["changed"], facts["labels"])


def judged(run: RunDirectory) -> Judged:
    """RUN/audit.json if it is of the corrected dataset as it is now; otherwise an audit made here, written nowhere."""
    from clc_text.corrections.audit import judge
    from clc_text.corrections.store import Corrected

    if not run.file("corrected/corrected.json").is_file():
        return Judged(None, _why_none(run))
    corrected, remark = Corrected(run), None
    try:
        audit = sound_audit(run)
    except InputError:
        audit = None
        remark = "RUN/audit.json is damaged or not of the corrected dataset as it is now, so this page judged it anew"
    if audit is not None:
        return Judged(audit)
    try:
        return Judged(judge(corrected), remark)
    except InputError as error:
        return Judged(None, anonymous(str(error), run))


def _why_none(run: RunDirectory) -> str | None:
    if not run.complete:
        if not has_corrections(run):
            return None
        return "there is no corrected dataset to judge yet, so this page shows what the last epoch so far has taught"
    return (
        "no corrected dataset has been made yet, so this page shows what the last epoch taught; "
        "`clc-text correct RUN` makes one, which this report then judges"
    )


def anonymous(sentence: str, run: RunDirectory) -> str:
    """The sentence without the folder of this machine: a page is passed on.

    In a command, which stands in `backticks`, the run is RUN, which the reader fills in; elsewhere it is "the run".
    """
    parts = sentence.split("`")
    for place, part in enumerate(parts):
        if place % 2:
            parts[place] = part.replace(str(run.path), "RUN")
            continue
        for name in (f"{run.path}/", f"{run.path}"):
            part = part.replace(name, "the run's " if name.endswith("/") else "the run")
        parts[place] = part
    return "`".join(parts)
