"""What a recipe is made into before anything is trained, and what is refused there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from refusals import refused

from clc_text.config.recipe import loads
from clc_text.runs.prepare import prepare


def test_rows_that_are_all_the_same_to_the_encoder_are_not_all_flipped(tmp_path: Path) -> None:
    rows = "".join(f"hello {row},{'ab'[row % 2]}\n" for row in range(60))
    (tmp_path / "rows.csv").write_text(f"text,label\n{rows}")
    recipe = loads(
        f"data: {{name: files, train: {tmp_path / 'rows.csv'}}}\nencoder: {{name: tfidf, word_vectors: 0}}\n"
        "canaries: 0.1"
    )
    with refused(key="canaries", says="only 1 of 60 rows differ"):
        prepare(recipe)
    assert not prepare(replace(recipe, canaries=0.0)).labels.canary.any()


def test_one_of_two_labels_is_not_flipped(tmp_path: Path) -> None:
    """Of two classes nothing is known once half of the labels are flipped: their noise has no inverse."""
    (tmp_path / "rows.csv").write_text("text,label\na text,a\nb text,b\n")
    with refused(key="canaries", says="only 2 rows"):
        prepare(loads(f"data: {{name: files, train: {tmp_path / 'rows.csv'}}}\ncanaries: 0.1"))


def test_texts_that_are_all_the_same_are_told_as_such(tmp_path: Path) -> None:
    rows = "".join(f"hello there,{'ab'[row % 2]}\n" for row in range(60))
    (tmp_path / "rows.csv").write_text(f"text,label\n{rows}")
    for canaries in (0.1, 0.0):
        recipe = f"data: {{name: files, train: {tmp_path / 'rows.csv'}}}\ncanaries: {canaries}"
        with refused(key="data.text", says="'hello there'") as told:
            prepare(loads(recipe))
        assert "canar" not in str(told.value) and "all 60" in str(told.value)
