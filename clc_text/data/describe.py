"""What can be said of a task before anything is trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.data.agreement import votes_facts
from clc_text.data.checks.drift import drift
from clc_text.data.checks.garbled import garbled
from clc_text.data.checks.label_variants import label_variants
from clc_text.data.checks.near_copies import first_near_copies
from clc_text.data.checks.outliers import outliers
from clc_text.data.checks.rare_labels import rare_labels
from clc_text.data.checks.scripts import scripts
from clc_text.data.scripts import PICTURES, SPACELESS
from clc_text.data.task import Task, column

if TYPE_CHECKING:
    import pyarrow as pa

_BY_ITSELF = rf"({SPACELESS}|{PICTURES})\p{{M}}*"
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
EXCERPT = 200  # characters of an example
SHOWN = 5  # examples of a flaw


def describe(task: Task) -> dict[str, Any]:
    """Counts of a task's rows, classes and flaws.

    Returns:
        ``name``, ``rows``, ``test_rows``, ``classes`` (name -> {"train", "test"} counts; "test" only with test rows),
        ``label_accuracy`` (percent of given labels that equal the true ones, where those are known), ``facts``,
        ``sources``, ``label_variants`` (see `checks.label_variants`), and where the input is text the counts
        of `text_facts`, ``words`` and ``characters`` (quantile -> number of words, of characters, of a
        training text), ``scripts`` (script -> training rows), ``empty_rows`` (numbers, from 0, of the first few),
        ``near_copies`` (see `near_copy_facts`), ``garbled`` (kind -> {"rows": how many, "first": a few numbers}, see
        `checks.garbled`), where there are enough texts ``outliers`` ({"rows": how many, "examples": the first few as
        {"row", "label", "text"}}, by their words, see `checks.outliers`) and, where words tell of it, ``drift`` (see
        `checks.drift.Drift`). A word is what stands
        between blanks; of a script without blanks each character is one, and each emoji. Where there are such texts
        ``scripts_without_blanks`` says so, and where the median text has no more than a word ``warning`` does.
        Where the file's own numbers are known, ``numbers_in_file`` has those of the rows that these name: ``counts``,
        what they count ("row", "line" or "entry"), and ``of``, by the number from 0 as a text.
        With several labels a row ``votes`` has `votes_facts`. ``rare_labels`` has those of `checks.rare_labels`.
    """
    import pyarrow.compute as pc

    per = task.per_text
    names, given = (task.label_names, task.given_labels) if not task.asked else _sets(task)
    counts = _counts(task, task.given_labels)
    classes = {name: {"train": int(count)} for name, count in zip(task.output_names, counts, strict=True)}
    if task.test_labels is not None:
        for name, count in zip(task.output_names, _counts(task, task.test_labels), strict=True):
            classes[name]["test"] = int(count)
    described: dict[str, Any] = {
        "name": task.name,
        "rows": len(task.train) // per,
        "test_rows": 0 if task.test is None else len(task.test) // per,
        "classes": classes,
        "label_variants": label_variants(
            {name: int(count) for name, count in zip(task.output_names, counts, strict=True)}
        ),
    }
    if task.true_labels is not None:
        described["label_accuracy"] = round(100.0 * float(np.mean(task.given_labels == task.true_labels)), 2)
    if getattr(task.train.features[task.input_column], "dtype", None) in ("string", "large_string"):
        texts = _each_once(column(task.train, task.input_column), per)
        test_texts = None if task.test is None else _each_once(column(task.test, task.input_column), per)
        described.update(text_facts(texts, given, test_texts))
        described["empty_rows"] = np.flatnonzero(_blank(texts).to_numpy())[:SHOWN].tolist()
        described["words"] = words = _word_quantiles(texts)
        described["characters"] = _quantiles(np.asarray(pc.utf8_length(pc.fill_null(texts, ""))))
        written = pc.fill_null(texts, "").to_pylist()
        described["scripts"] = scripts(written)
        tested = [] if test_texts is None else pc.fill_null(test_texts, "").to_pylist()
        described["near_copies"] = near_copy_facts(written, [names[label] for label in given], tested)
        described["garbled"] = {
            kind: {"rows": len(rows), "first": rows[:SHOWN].tolist()} for kind, rows in garbled(texts).items()
        }
        if odd := outliers(written):
            described["outliers"] = {
                "rows": len(odd.rows),
                "examples": [
                    {"row": row, "label": names[given[row]], "text": written[row][:EXCERPT]}
                    for row in odd.rows[:SHOWN].tolist()
                ],
            }
        if tested and (apart := drift(written, tested)):
            described["drift"] = vars(apart)
        if spaceless := _count(pc.match_substring_regex(pc.fill_null(texts, ""), SPACELESS)):
            described["scripts_without_blanks"] = (
                f"{spaceless} of {len(texts)} training texts are in a script that sets words apart by no blanks; word "
                "vectors are made of single characters there, and encoder.length counts characters"
            )
        if words["0.5"] <= 1:
            described["warning"] = "the median text has a single word, which tells little unless it comes again"
    if task.source_row is not None:
        numbers = {str(row): int(task.source_row[row * per]) for row in _named(described)}
        described["numbers_in_file"] = {"counts": task.row_noun, "of": numbers}
    if task.votes is not None:
        described["votes"] = votes_facts(task.votes)
    described["rare_labels"] = rare_labels(task)
    return {**described, "facts": dict(task.facts), "sources": list(task.sources)}


def _named(described: dict[str, Any]) -> list[int]:
    """The rows, from 0, that are named as examples."""
    named = set(described.get("empty_rows", []))
    named.update(*(told["first"] for told in described.get("garbled", {}).values()))
    named.update(*(example["rows"] for example in described.get("near_copies", {}).get("examples", [])))
    named.update(example["row"] for example in described.get("outliers", {}).get("examples", []))
    return sorted(named)


def _counts(task: Task, labels: np.ndarray) -> np.ndarray:
    """int64 [C], rows of each class; of a multi-label set [K], the texts of which each holds."""
    if task.asked:
        return np.asarray(labels.reshape(-1, len(task.asked)).sum(0))
    return np.bincount(labels, minlength=len(task.label_names))


def _sets(task: Task) -> tuple[list[str], np.ndarray]:
    """The different sets of classes that are given to texts, in words, and int64 [N], the set of each text."""
    sets, which = np.unique(task.held(), axis=0, return_inverse=True)
    names = [", ".join(name for name, there in zip(task.asked, one, strict=True) if there) or "none" for one in sets]
    return names, which.reshape(-1)


def _each_once(texts: pa.ChunkedArray, per: int) -> pa.ChunkedArray:
    """Of every `per` rows, which have the same text, the first."""
    return texts if per == 1 else texts.take(np.arange(0, len(texts), per))


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


def near_copy_facts(texts: Sequence[str], labels: Sequence[str], test_texts: Sequence[str]) -> dict[str, Any]:
    """Texts that are nearly the same as another (see `clc_text.data.checks.near_copies`), equal ones among them.

    Args:
        texts: [N] training texts.
        labels: [N], their given labels' names.
        test_texts: [M].

    Returns:
        ``texts`` (rows with an earlier near copy), ``conflicting`` (rows in a group of near copies with several
        labels), ``leaked_test_texts`` (test rows with a near copy among the training rows), and of a few groups with
        several labels the ``examples``: ``{"rows": [first, another], "labels", "texts"}``.
    """
    first = first_near_copies([*texts, *test_texts])
    of_train, of_test = first[: len(texts)], first[len(texts) :]
    _, label = np.unique(np.asarray(labels, dtype=object), return_inverse=True)
    different = of_train != np.arange(len(texts))
    odd = np.flatnonzero(label != label[of_train])
    torn = np.unique(of_train[odd])
    shown = [int(odd[of_train[odd] == group][0]) for group in torn[:SHOWN]]
    return {
        "texts": int(different.sum()),
        "conflicting": int(np.isin(of_train, torn).sum()),
        "leaked_test_texts": int((of_test < len(texts)).sum()),
        "examples": [
            {
                "rows": [int(of_train[row]), row],
                "labels": [labels[of_train[row]], labels[row]],
                "texts": [texts[of_train[row]][:EXCERPT], texts[row][:EXCERPT]],
            }
            for row in shown
        ],
    }


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
            apart = pc.replace_substring_regex(pc.fill_null(chunk.slice(start, 50_000), ""), _BY_ITSELF, r" \0 ")
            trimmed = pc.utf8_trim_whitespace(apart)
            words = np.asarray(pc.list_value_length(pc.utf8_split_whitespace(trimmed)))
            lengths.append(np.where(np.asarray(pc.binary_length(trimmed)) == 0, 0, words))  # "" splits into one ""
    return _quantiles(np.concatenate(lengths) if lengths else np.zeros(1))


def _quantiles(counts: np.ndarray) -> dict[str, float]:
    counts = counts if len(counts) else np.zeros(1)
    return {f"{q:g}": float(value) for q, value in zip(QUANTILES, np.quantile(counts, QUANTILES), strict=True)}
