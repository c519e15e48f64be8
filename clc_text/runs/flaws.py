"""What is wrong with the texts of a run beside their labels: looked for once, and kept in its directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clc_text.artifacts.run_directory import FLAWS, RunDirectory
from clc_text.artifacts.run_files import Flaws, NearCopies
from clc_text.config.recipe import Recipe
from clc_text.data.checks.drift import drift
from clc_text.data.checks.garbled import empty_rows, garbled
from clc_text.data.checks.near_copies import UNASKED, contradicting, first_near_copies
from clc_text.data.checks.outliers import outliers
from clc_text.data.checks.scripts import in_another_script
from clc_text.data.task import column
from clc_text.runs.frozen_features import distances_of_run, rows_of_run
from clc_text.runs.load import load_task
from clc_text.utils.files import write_json

if TYPE_CHECKING:
    from datasets import Dataset


def flaws_of_run(run: RunDirectory) -> Flaws | None:
    """Garbled and empty texts, texts in another script than nearly all, texts like no other, near copies with several
    labels or in the test rows, and test texts of another kind, of the run's rows as it was trained on them.

    Texts like no other are told by their words and, where the run's encoder was trained on far more than its rows, by
    its features (`clc_text.data.checks.outliers`).

    Returns:
        None where rows are no texts.

    Raises:
        InputError: the run keeps no rows, and their source is gone or has changed.
    """
    flaws = run.flaws()
    if flaws is not None and "other_script" in flaws:
        return flaws
    recipe, name = run.typed_recipe(), run.environment()["input_column"]
    rows = rows_of_run(run, recipe)
    if getattr(rows.features[name], "dtype", None) not in ("string", "large_string"):
        return None
    per = max(len(run.asked), 1)
    written = column(rows, name)
    written = written if per == 1 else written.take(list(range(0, len(written), per)))
    texts = [text or "" for text in written.to_pylist()]
    odd = outliers(texts, distances_of_run(run))
    tested = [text or "" for text in _test_texts(run, recipe, name)[::per]]
    apart = drift(texts, tested) if tested else None
    made: Flaws = {
        "texts": len(texts),
        "garbled": {kind: places.tolist() for kind, places in garbled(written).items()},
        "outliers": None if odd is None else {
            "rows": odd.rows.tolist(), "surprise": odd.surprise[odd.rows].round(3).tolist(), "by": list(odd.by)
        },
        "drift": None if apart is None else {
            "auc": apart.auc, "low": apart.low, "high": apart.high,
            "test_terms": apart.test_terms, "train_terms": apart.train_terms,
        },
    }  # fmt: skip
    made["empty"] = empty_rows(texts).tolist()
    made["other_script"] = in_another_script(texts).tolist()
    if len(texts) + len(tested) <= UNASKED:
        made["copies"] = _near_copies(texts, tested, run.labels().given.reshape(len(texts), -1))
    write_json(run.file(FLAWS), made)
    return made


def _near_copies(texts: list[str], tested: list[str], given: np.ndarray) -> NearCopies:
    """Of training texts [N], test texts and the classes [N, …] that were given to the former."""
    first = first_near_copies([*texts, *tested])
    return {
        "conflicting": contradicting(first[: len(texts)], given).tolist(),
        "leaked": int((first[len(texts) :] < len(texts)).sum()),
    }


def _test_texts(run: RunDirectory, recipe: Recipe, name: str) -> list[str | None]:
    """Of all test rows; [] without any."""
    if not run.environment()["rows"]["test"]:
        return []
    if run.file("data/test.parquet").is_file():
        rows: Dataset | None = run.data("test")
    else:
        rows = load_task(recipe).test
    return [] if rows is None else list(column(rows, name).to_pylist())
