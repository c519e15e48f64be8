"""One row's history, against the training dynamics read row by row."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
from refusals import refused
from rich.console import Console

from clc_text.analysis.row_history import row_history, stretches
from clc_text.analysis.tables.row_history_text import as_table
from clc_text.data.labels import Labels
from clc_text.plots.figure import as_bytes
from clc_text.plots.row_history_figure import draw


def printed(found, **options) -> str:
    console = Console(width=160, record=True, file=io.StringIO(), emoji=False)
    console.print(as_table(found, **options))
    return console.export_text()


def test_a_life_is_what_the_dynamics_says(make_run):
    run = make_run(epochs=7, warmup=2)
    found = row_history(run, 11)
    assert found.epochs.tolist() == list(range(1, 8))
    for place, epoch in enumerate(found.epochs):
        record = run.dynamics(int(epoch))
        for peer in (0, 1):
            for name in ("prediction", "confidence", "entropy", "target", "selected"):
                assert getattr(found, name)[place, peer] == getattr(record, name)[peer, 11]
    assert np.isnan(found.threshold[:2]).all()
    assert found.threshold[2].tolist() == run.metrics()[2]["threshold"]
    labels = run.labels()
    assert (found.given, found.true, found.text) == (labels.given[11], labels.true[11], run.data()[11]["text"])


def test_a_threshold_that_is_no_entropy_is_not_drawn_among_entropies(make_run):
    found = row_history(make_run(epochs=6, criterion="margin"), 0)
    assert np.isnan(found.threshold).all()
    assert not any("Γ" in text.get_text() for text in draw(found).legends[0].get_texts())


def test_stretches_cover_every_epoch_and_break_where_a_class_changes(make_run):
    run = make_run(epochs=9, skill=0.5)
    for row in range(20):
        found = row_history(run, row)
        parts = list(stretches(found))
        assert [place for part in parts for place in range(part.first, part.last + 1)] == list(range(9))

        def key(place, found=found):
            return (found.prediction[place].tolist(), found.target[place].tolist(), found.selected[place].tolist())

        for part in parts:
            assert all(key(place) == key(part.first) for place in range(part.first, part.last + 1))
        for one, other in pairwise(parts):
            assert key(one.last) != key(other.first)


def test_the_table_shows_text_labels_and_every_epoch_when_asked(make_run):
    run = make_run(epochs=6)
    found = row_history(run, 4)
    text = printed(found)
    assert f"row 4: {found.text}" in text
    assert f"given label: {found.label_names[found.given]}   true label: {found.label_names[found.true]}" in text
    every = printed(found, every_epoch=True)
    assert [line.split("│")[1].strip() for line in every.splitlines() if line.startswith("│")] == [
        text for epoch in range(1, 7) for text in (str(epoch), "")
    ]


def test_markup_in_texts_and_names_is_shown_not_obeyed(make_run):
    names = ["[red]a[/red]", "[bold\x1b]0;owned\x07", ":fire:", "\x1b[2Jd"]
    run = make_run(names=names, epochs=5, texts=["[blink]hello[/blink] \x1b[31m"] * 120)
    shown = "".join(printed(row_history(run, row), every_epoch=True) for row in range(20))
    assert "[blink]hello[/blink]" in shown
    assert "\x1b" not in shown
    assert all(name in shown for name in ("[red]a[/red]", "[bold", ":fire:"))


def test_a_canary_says_what_it_was_trained_as(make_run):
    run = make_run(epochs=4)
    labels = run.labels()
    trained, canary = labels.trained.copy(), labels.canary.copy()
    trained[3], canary[3] = (labels.given[3] + 1) % 4, True
    Labels(labels.given, trained, labels.true, canary).write(run.file("noise/labels.parquet"))
    assert "a canary: trained as" in printed(row_history(run, 3))


def test_the_picture_has_both_panels_and_the_classes_that_were_met(make_run):
    run = make_run(epochs=8, skill=0.5)
    found = row_history(run, 2)
    figure = draw(found)
    above, below = figure.axes
    met = {*found.prediction.ravel().tolist(), *found.target.ravel().tolist(), found.given, found.true}
    assert [label.get_text() for label in above.get_yticklabels()] == [
        run.label_names[number] for number in sorted(met)
    ]
    assert below.get_xlabel() == "epoch"
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[:2] == ["given label", "true label"]
    assert "Γ of peer 1" in labels
    assert as_bytes(figure, "svg") == as_bytes(draw(row_history(run, 2)), "svg")


def test_a_row_that_is_not_there(make_run):
    run = make_run(epochs=4)
    for row in (-1, 120):
        with refused(where=run.path, row=row):
            row_history(run, row)
    for path in run.file("dynamics").iterdir():
        path.unlink()
    with refused(where=run.path, key="dynamics"):
        row_history(run, 0)


def test_without_kept_data_there_is_no_text(make_run):
    run = make_run(epochs=4)
    run.file("data/train.parquet").unlink()
    assert row_history(run, 0).text is None
    assert "(no text kept)" in printed(row_history(run, 0))
