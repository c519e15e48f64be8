"""Which columns a corrected dataset has, and one that is made of a corrected dataset."""

from __future__ import annotations

import pyarrow as pa
import pytest
from datasets import ClassLabel, Features, Value

from clc_text.corrections.columns import ADDED, layout

NAMES = ["a", "b"]
SOURCE = {"text": Value("string"), "rank": Value("int64"), "label": ClassLabel(names=NAMES)}


@pytest.mark.parametrize("with_true", [True, False])
@pytest.mark.parametrize("label", ["label", "queue"])
def test_what_was_added_before_is_left_out(label: str, with_true: bool) -> None:
    """Trained on a corrected dataset, and on one of that: the user's own columns stay, ours are made once."""
    source = {label if name == "label" else name: feature for name, feature in SOURCE.items()}
    first = layout(Features(source), label, NAMES, with_true)
    assert first.renamed == {"rank": "source_rank"}
    second = layout(first.features, label, NAMES, with_true)
    third = layout(second.features, label, NAMES, with_true)
    assert set(third.features) == set(second.features) == set(first.features)
    assert second.renamed == {} and not any(name.startswith("source_source") for name in third.features)

    rows = {name: ["x"] if name == "text" else [0] for name in ("text", "source_rank", label)}
    old = {name: pa.array(["of before"]) for name in first.features if name not in rows}
    added = {name: pa.array([None]) for name in second.features if name not in rows}
    table = second.table(pa.table(rows | old), added | ({"label": pa.array([1])} if label == "label" else {}))
    assert table["text"].to_pylist() == ["x"] and table["label_source"].to_pylist() == [None]


def test_columns_that_only_have_such_names_are_the_users() -> None:
    source = Features(SOURCE | {name: Value("string") for name in ADDED[1:8]})
    found = layout(source, "label", NAMES, with_true=False)
    assert set(found.renamed) == {"rank", *ADDED[1:8]} - {"label_true"}


def test_a_column_of_ours_that_is_trained_on_stays() -> None:
    corrected = layout(Features(SOURCE), "label", NAMES, with_true=False).features
    found = layout(corrected, "label_given", NAMES, with_true=False)
    assert found.renamed == {"label_given": "source_label_given"} and found.replaced is None
