"""Errors that people have made in 20 Newsgroups: the rows are theirs, and are counted where they stand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks import news_errors as module


def test_counted_among_the_first() -> None:
    order = np.arange(2000)[::-1]  # row 1999 stands first
    assert module.among_the_first(order, np.array([1999, 1907, 1906, 1800, 1500, 0])) == [2, 4, 5, 5]


def test_the_articles_are_those_that_people_have_judged(real_data: Path) -> None:
    texts, groups, rows, stands = module.articles(real_data)
    assert len(texts) == len(groups) == 7532 and len(set(rows.tolist())) == 93
    assert stands.sum() == 11
