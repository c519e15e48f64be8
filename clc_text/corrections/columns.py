"""Which columns a corrected dataset has: those of the source, and what corrections add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Features

ADDED = (
    "label",
    "label_given",
    "label_true",
    "label_suggested",
    "label_source",
    "confidence",
    "probability_given",
    "entropy",
    "peers_agree",
    "doubt",
    "rank",
    "corrected_at_epoch",
    "run_id",
)

# What every corrected dataset has had from the first version on: rows with all of them come from one.
_MARKS = set(ADDED) - {"label", "label_true", "doubt"}

SOURCE_ROW = (
    "source_row"  # the source's rows have it, too, where the run knows it and no column of theirs is called so
)


@dataclass(frozen=True)
class Layout:
    """The columns of one corrected dataset.

    Attributes:
        features: of all its columns: the source's in their order, then the added ones.
        renamed: source column -> its name here, where an added column has taken the name.
        replaced: the source's label column where that is called ``label``: its place holds the current label, and
            its content is in ``label_given`` (or ``label_true``, where noise was injected). None otherwise.
    """

    features: Features
    renamed: dict[str, str]
    replaced: str | None

    def table(self, source: pa.Table, added: Mapping[str, pa.Array]) -> pa.Table:
        """One batch: the source's columns as they are, and the added ones."""
        import pyarrow as pa
        from datasets.table import table_cast

        columns = {self.renamed.get(name, name): source[name] for name in source.column_names if name != self.replaced}
        columns |= added
        names = list(self.features)
        return table_cast(pa.table([columns[name] for name in names], names=names), self.features.arrow_schema)


def layout(source: Features, label_column: str, label_names: list[str], with_true: bool) -> Layout:
    """Plans the columns.

    A source column that bears the name of an added one is called ``source_NAME`` instead, except for the label column:
    one called ``label`` is replaced by the current label. Where the source is a corrected dataset itself, what was
    added there is left out: it tells of other labels.
    """
    from datasets import ClassLabel, Features, Value

    kinds = {
        "label_source": Value("string"),
        "confidence": Value("float32"),
        "probability_given": Value("float32"),
        "entropy": Value("float32"),
        "peers_agree": Value("bool"),
        "doubt": Value("float32"),
        "rank": Value("int32"),
        "corrected_at_epoch": Value("int32"),
        "run_id": Value("string"),
    }
    added = {
        name: kinds.get(name, ClassLabel(names=label_names)) for name in ADDED if name != "label_true" or with_true
    }
    replaced = "label" if label_column == "label" else None
    renamed: dict[str, str] = {}
    features = {}
    of_before = set(ADDED) - {label_column} if _MARKS - {label_column} <= set(source) else set()
    for name, feature in source.items():
        if name == replaced:
            features[name] = added["label"]
            continue
        if name in of_before:
            continue
        here = name
        while here in added or (here != name and here in source):
            here = f"source_{here}"
        if here != name:
            renamed[name] = here
        features[here] = feature
    return Layout(Features(features | added), renamed, replaced)
