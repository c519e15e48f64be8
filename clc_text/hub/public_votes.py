"""Several labels a row as they may be published: all of them, and no address of whoever gave them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clc_text.artifacts.audit import Audit
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.votes import FACTS, KeptVotes
from clc_text.hub.personal import personal_in
from clc_text.utils.files import write_with


def public_sources(names: Sequence[str]) -> dict[str, str]:
    """What the sources are called in public: by their names, but for those that hold an e-mail address, a telephone
    number or the like, which are numbered."""
    taken = set(names)
    found: dict[str, str] = {}
    for number, name in enumerate(names, 1):
        public = name
        while personal_in(public) or (public != name and public in taken):
            public = f"source {number}" if public == name else f"{public}_"
        found[name] = public
    return found


def write_votes(run: RunDirectory, path: Path) -> bool:
    """Each label of each row on a line; nothing where the run has one label a row, which is then False."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not run.file(FACTS).is_file():
        return False
    kept = KeptVotes.load(run.path)
    assert kept is not None
    votes, public = kept.votes, public_sources(kept.votes.sources)
    names = np.array([public[name] for name in votes.sources], dtype=object)
    classes = np.array(run.label_names, dtype=object)
    table = pa.table(
        {
            "row": votes.row,
            "source": pa.array(names[votes.source], pa.string()),
            "label": pa.array(classes[votes.label], pa.string()),
            "weight": votes.weight,
        }
    )
    write_with(path, lambda aside: pq.write_table(table, aside, compression="zstd"))
    return True


def public_audit(audit: Audit) -> Audit:
    """An audit whose sources have the names of `public_sources`."""
    several = audit.get("several_labels")
    if several is None:
        return audit
    public = public_sources([one["name"] for one in several["sources"]])
    sources = [one | {"name": public[one["name"]]} for one in several["sources"]]
    return {**audit, "several_labels": {**several, "sources": sources}}
