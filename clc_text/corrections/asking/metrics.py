"""What random answers say of a corrected dataset: the entry ``answers`` of audit.json."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from clc_text.artifacts.audit import AnswerMetrics, AnswersOfClass, InferredShare, ShareByAnswers
from clc_text.corrections.asking.asked import Asked
from clc_text.corrections.asking.shares import share_right
from clc_text.corrections.asking.slips import answered_again, slips
from clc_text.corrections.intervals import Z

OF_A_CLASS = 10  # random answers, below which nothing is said of a class


def answer_metrics(
    answered: np.ndarray,
    told: np.ndarray,
    given: np.ndarray,
    method: np.ndarray | None,
    asked: Mapping[int, Asked],
    label_names: list[str],
) -> AnswerMetrics | None:
    """None without a random answer.

    Args:
        answered: int64 [n], rows that people have answered.
        told: int [n], what they said.
        given: int [N], given labels.
        method: int [N], labels as the policy leaves them, whatever people said; None where that is not known.
        asked: how rows were chosen.
        label_names: [C].
    """
    everywhere = np.ones(len(given), bool)

    def shares(among: np.ndarray) -> tuple[ShareByAnswers | None, ShareByAnswers | None]:
        before = share_right(given[answered] == told, answered, asked, among)
        after = None if method is None else share_right(method[answered] == told, answered, asked, among)
        return before, after

    before, after = shares(everywhere)
    if before is None:
        return None
    random = np.array([asked.get(row, Asked()).random for row in answered.tolist()], bool)
    by_class: list[AnswersOfClass] = []
    for number, name in enumerate(label_names):
        among = given == number
        if int(among[answered[random]].sum()) >= OF_A_CLASS:
            of_class = shares(among)
            by_class.append({"label": name, "right_before": of_class[0], "right_after": of_class[1]})
    metrics: AnswerMetrics = {
        "answers": len(answered),
        "random": int(random.sum()),
        "right_before": before,
        "right_after": after,
        "gain": None,
        "by_class": by_class,
        "slips": slips(before, after, answered_again(asked), len(label_names)),
    }
    if method is not None:
        rows, true = answered[random], told[random]
        was, now = given[rows] == true, method[rows] == true
        metrics["fixed"], metrics["broken"] = int((now & ~was).sum()), int((was & ~now).sum())
        metrics["changed"] = int((method[rows] != given[rows]).sum())
        metrics["gain"] = _gain(metrics["fixed"], metrics["broken"], len(rows))
    return metrics


def _gain(fixed: int, broken: int, rows: int) -> InferredShare:
    """Share of right labels after less that before, and its 95 % interval.

    Source: Agresti and Min, "Simple improved confidence intervals for comparing matched proportions", Statistics in
    Medicine 2005: half a row more in each of the four cells.
    """
    more, less, count = fixed + 0.5, broken + 0.5, rows + 2
    middle = (more - less) / count
    reach = Z * math.sqrt(more + less - (more - less) ** 2 / count) / count
    return {"value": (fixed - broken) / rows, "low": max(-1.0, middle - reach), "high": min(1.0, middle + reach)}
