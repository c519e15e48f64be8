"""The audit that a run has: that of its corrected dataset as it is now, or none."""

from __future__ import annotations

from clc_text.artifacts.audit import Audit, AuditOf, AuditVersion
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_files import LabelCounts
from clc_text.corrections.audit import VERSION, labels_mark
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError
from clc_text.utils.typed_json import checked, read_json


def read_audit(run: RunDirectory, changed: int, labels: LabelCounts) -> Audit | None:
    """audit.json; None where there is none.

    Args:
        changed: labels that differ from the given ones in the corrected dataset as it is now.
        labels: its rows by who said their label.

    Raises:
        InputError: the audit is of other corrections than those that would be published beside it.
    """
    path = run.file("audit.json")
    if not path.is_file():
        return None
    again = f"run `clc-text audit {run.path}` again"
    content = read_json(path, AuditVersion, again)
    if content["version"] != VERSION:
        raise InputError(f"{path} was written by another version of clc_text; {again}", where=path)
    of = checked(content, AuditOf, path, again)
    about = (of["run_id"], of["corrections"].get("rows"), of["labels"])
    corrected = Corrected(run)
    step = corrected.facts["step"]
    # Counts stay as they are where other answers take the place of some, so the labels themselves are compared, too.
    mark = labels_mark(step, corrected.state())
    if about != (run.run_id, changed, dict(labels)) or any(of.get(name) != mark[name] for name in mark):
        raise InputError(
            f"{path} is not of the corrected dataset as it is now (step {step}, {changed:,} changed labels); "
            f"{again}, so that the card says what is true",
            where=path,
        )
    return checked(content, Audit, path, again)
