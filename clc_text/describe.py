"""What can be said of a task before anything is trained on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.shown import without_controls
from clc_text.task import Task, column

if TYPE_CHECKING:
    import pyarrow as pa

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def describe(task: Task) -> dict[str, Any]:
    """Counts of a task's rows, classes and flaws.

    Returns:
        ``name``, ``rows``, ``test_rows``, ``classes`` (name -> {"train", "test"} counts; "test" only with test rows),
        ``label_accuracy`` (percent of given labels that equal the true ones, where those are known), ``facts``,
        ``sources``, and where the input is text the counts of `text_facts` and ``words`` (quantile -> number of
        blank-separated words of a training text).
    """
    names = task.label_names
    given = task.given_labels
    counts = np.bincount(given, minlength=len(names))
    classes = {name: {"train": int(count)} for name, count in zip(names, counts, strict=True)}
    if task.test_labels is not None:
        test_counts = np.bincount(task.test_labels, minlength=len(names))
        for name, count in zip(names, test_counts, strict=True):
            classes[name]["test"] = int(count)
    found: dict[str, Any] = {
        "name": task.name,
        "rows": len(task.train),
        "test_rows": 0 if task.test is None else len(task.test),
        "classes": classes,
    }
    if task.true_labels is not None:
        found["label_accuracy"] = round(100.0 * float(np.mean(given == task.true_labels)), 2)
    if getattr(task.train.features[task.input_column], "dtype", None) in ("string", "large_string"):
        texts = column(task.train, task.input_column)
        test_texts = None if task.test is None else column(task.test, task.input_column)
        found.update(text_facts(texts, given, test_texts))
        found["words"] = _word_quantiles(texts)
    return {**found, "facts": dict(task.facts), "sources": list(task.sources)}


def as_text(found: dict[str, Any]) -> str:
    """What `describe` found, for people: one line a fact, those of a class or a section indented."""
    lines = []
    for key, value in found.items():
        if isinstance(value, dict):
            lines.append(f"{key}:")
            lines += [f"  {without_controls(name)}: {without_controls(entry)}" for name, entry in value.items()]
        else:
            lines.append(f"{key}: {without_controls(value)}")
    return "\n".join(lines)


def text_facts(texts: pa.ChunkedArray, labels: np.ndarray, test_texts: pa.ChunkedArray | None) -> dict[str, int]:
    """Flaws of a corpus that no single row shows.

    Args:
        texts: [N] training texts.
        labels: int [N], their given labels.
        test_texts: [M] test texts, or None.

    Returns:
        ``empty_texts`` (blank ones), ``duplicate_texts`` (rows whose text stood in an earlier row, blank ones aside),
        ``conflicting_texts`` (rows whose text also stands with another label), and with test rows
        ``empty_test_texts`` and ``leaked_test_texts`` (test rows whose text is also a training text).
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    blank = _blank(texts)
    table = pa.table({"text": texts, "label": pa.array(labels)}).filter(pc.invert(blank))
    groups = table.group_by("text", use_threads=False).aggregate(
        [("label", "count"), ("label", "min"), ("label", "max")]
    )
    torn = pc.not_equal(groups["label_min"], groups["label_max"])
    facts = {
        "empty_texts": _count(blank),
        "duplicate_texts": len(table) - len(groups),
        "conflicting_texts": int(pc.sum(groups["label_count"].filter(torn)).as_py() or 0),
    }
    if test_texts is not None:
        test_blank = _blank(test_texts)
        kept = test_texts.filter(pc.invert(test_blank))
        facts["empty_test_texts"] = _count(test_blank)
        facts["leaked_test_texts"] = _count(pc.is_in(kept, value_set=groups["text"]))
    return facts


def _blank(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    return pc.equal(pc.binary_length(pc.utf8_trim_whitespace(pc.fill_null(texts, ""))), 0)


def _count(mask: pa.ChunkedArray) -> int:
    import pyarrow.compute as pc

    return int(pc.sum(mask).as_py() or 0)


def _word_quantiles(texts: pa.ChunkedArray) -> dict[str, float]:
    import pyarrow.compute as pc

    lengths = []
    for chunk in texts.chunks:
        # Part by part: the split words of a million texts at once would be the largest thing in memory.
        for start in range(0, len(chunk), 50_000):
            trimmed = pc.utf8_trim_whitespace(pc.fill_null(chunk.slice(start, 50_000), ""))
            words = np.asarray(pc.list_value_length(pc.utf8_split_whitespace(trimmed)))
            lengths.append(np.where(np.asarray(pc.binary_length(trimmed)) == 0, 0, words))  # "" splits into one ""
    counts = np.concatenate(lengths) if lengths else np.zeros(1)
    return {f"{q:g}": float(value) for q, value in zip(QUANTILES, np.quantile(counts, QUANTILES), strict=True)}
