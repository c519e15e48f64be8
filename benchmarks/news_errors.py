"""Errors that people have made in 20 Newsgroups: ``python -m benchmarks.news_errors`` (needs CLC_TEXT_DATA).

Of the test articles cleanlab's authors had 93 looked at by five people each, chosen by confident learning; of 82 fewer
than three confirmed the given group (labelerrors.com). How many of these stand among the first rows of a ranking
of all 7,532 says how well it finds real errors of the kind that such a model finds; of others nothing is known. Beside
`find_issues` cleanlab's scores of cross-validated logistic regressions, on a frozen MiniLM and on TF-IDF. Results:
recipes/results/find_wrong_rows.md.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

from benchmarks.ranking import features_of
from clc_text.utils.shown import echo

FIRST = (93, 200, 500, 1000)
MAJORITY = 3  # of five people


def articles(folder: Path) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """The test articles, their groups [N], and of those that people looked at the rows and whether the group stands.

    Raises:
        ValueError: the rows are not those that people looked at.
    """
    from sklearn.datasets import fetch_20newsgroups

    found = fetch_20newsgroups(
        data_home=str(folder / "20newsgroups"), subset="test", shuffle=True, random_state=42, download_if_missing=False
    )
    judged = json.loads((folder / "crowd/20news_mturk.json").read_text(encoding="utf-8"))
    groups = np.array(found.target_names)[found.target]
    rows = np.array([one["id"] for one in judged])
    if [one["given_original_label_name"] for one in judged] != groups[rows].tolist():
        raise ValueError("the articles are in another order than those that people have judged")
    return list(found.data), groups, rows, np.array([one["mturk"]["given"] >= MAJORITY for one in judged])


def among_the_first(order: np.ndarray, rows: np.ndarray) -> list[int]:
    """How many of the rows stand among the first of an order [N], for each of `FIRST`."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return [int((place[rows] < first).sum()) for first in FIRST]


def main() -> None:
    parser = argparse.ArgumentParser(description="Errors that people have made in 20 Newsgroups, found.")
    parser.add_argument("--out", type=Path, default=Path("runs/ranking"), help="where features are kept")
    chosen = parser.parse_args()
    texts, groups, rows, stands = articles(Path(os.environ["CLC_TEXT_DATA"]))
    features = features_of("news-test", texts, chosen.out / "features")
    echo("| ranked by | first " + " | ".join(map(str, FIRST)) + " | confirmed ones | seconds |")
    echo("|---|" + "---:|" * (len(FIRST) + 2))
    for name, order, seconds in (*theirs(texts, groups, features), *ours(texts, groups, features)):
        wrong, right = among_the_first(order, rows[~stands]), among_the_first(order, rows[stands])
        echo(f"| {name} | " + " | ".join(map(str, wrong)) + f" | {' '.join(map(str, right))} | {seconds:.0f} |")


def theirs(texts: list[str], groups: np.ndarray, features: np.ndarray) -> list[tuple[str, np.ndarray, float]]:
    """cleanlab's orders, each with its name and its seconds of the processor."""
    from cleanlab.rank import get_label_quality_scores
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline

    given = np.unique(groups, return_inverse=True)[1]
    linear = LogisticRegression(max_iter=1000)
    words = make_pipeline(TfidfVectorizer(sublinear_tf=True, min_df=2), linear)
    found = []
    for name, model, inputs in (("MiniLM", linear, features), ("TF-IDF", words, texts)):
        begun = time.process_time()
        probs = cross_val_predict(model, inputs, given, cv=5, method="predict_proba")
        seconds = time.process_time() - begun
        for score in ("self_confidence", "normalized_margin"):
            quality = get_label_quality_scores(given, probs, method=score)
            found.append((f"cleanlab, {name}, {score}", np.argsort(quality, kind="stable"), seconds))
    return found


def ours(texts: list[str], groups: np.ndarray, features: np.ndarray) -> list[tuple[str, np.ndarray, float]]:
    """Those of `find_issues`."""
    from clc_text import find_issues

    found = []
    for name, given in (
        ("texts", {"texts": texts}), ("MiniLM", {"features": features}),
        ("texts and MiniLM", {"texts": texts, "features": features}),
    ):  # fmt: skip
        begun = time.process_time()
        order = find_issues(groups, **given).ranking["row"].to_numpy()
        found.append((f"`find_issues`, {name}", order, time.process_time() - begun))
    return found


if __name__ == "__main__":
    main()
