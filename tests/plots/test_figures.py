"""What the pictures show: axes, lines, legends, sentences; that they are the same each time; and bad input."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.text import Text
from refusals import refused

from clc_text.analysis.short_names import short_name
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError
from clc_text.plots.figure import as_bytes, draw, pictures, write
from clc_text.plots.style import COLOURS, line, wrapped
from clc_text.utils.shown import printable, printable_lines


def texts(figure) -> list[str]:
    return [found.get_text() for found in figure.findobj(Text) if found.get_text()]


def legend(figure) -> list[str]:
    return [text.get_text() for part in figure.legends for text in part.get_texts()]


def test_every_figure_of_the_issue_is_there():
    assert list(pictures()) == ["accuracy", "confusion", "corrections", "entropy", "selection", "threshold"]
    assert all(picture.summary for picture in pictures().values())


def test_accuracy_has_a_line_and_a_band_for_each_group(make_run):
    runs = [make_run(method=method, seed=seed, epochs=5) for method in ("clc", "standard") for seed in (0, 1)]
    runs.append(make_run(method="co_teaching", epochs=5))
    figure = draw("accuracy", runs)
    (axes,) = figure.axes
    assert axes.get_xlabel() == "epoch"
    assert axes.get_ylabel() == "test accuracy (%)"
    assert legend(figure) == ["CLC (n = 2)", "Standard (n = 2)", "Co-teaching (n = 1)"]
    lines = [one for one in axes.lines if len(one.get_xdata()) == 5]
    assert len(lines) == 3
    assert len(axes.collections) == 2
    assert len({one.get_marker() for one in lines}) == 3
    assert len({str(one.get_linestyle()) + to_hex(one.get_color()) for one in lines}) == 3
    assert "made, symmetric noise 0.4; 60 test rows; mean of the peers" in texts(figure)


def test_accuracy_of_the_ensemble(make_run):
    run = make_run(epochs=4)
    (axes,) = draw("accuracy", [run], of="ensemble").axes
    values = [entry["test"]["accuracy"]["ensemble"] for entry in run.metrics()]
    assert axes.lines[0].get_ydata().tolist() == values


def test_selection_has_two_panels_or_one_without_true_labels(make_run):
    run = make_run(epochs=5)
    figure = draw("selection", [run])
    assert [axes.get_ylabel() for axes in figure.axes] == ["selected rows", "label precision (%)"]
    assert figure.axes[0].lines[0].get_ydata().tolist() == [
        sum(entry["train"]["selected"]) / 2 for entry in run.metrics()
    ]
    unknown = draw("selection", [make_run(epochs=5, true_known=False)])
    assert len(unknown.axes) == 1
    both = texts(draw("selection", [run, make_run(method="standard", epochs=5, true_known=False)]))
    assert any("Standard: no true labels are known" in text.replace("\n", " ") for text in both)


@pytest.mark.parametrize("name", ["confusion", "entropy", "selection", "threshold"])
def test_without_true_labels_no_picture_talks_of_them(make_run, name):
    said = " ".join(texts(draw(name, [make_run(epochs=5, true_known=False)]))).replace("\n", " ")
    said = said.replace("true class (inferred)", "").replace("have memorised wrong labels", "")
    assert not re.search(r"\b(true|truth|right|wrong)\b", said), said


def test_entropy_has_three_lines_and_two_thresholds(make_run):
    figure = draw("entropy", [make_run(epochs=6)], gamma=0.5)
    left, right = figure.axes
    assert [one.get_text() for one in left.get_legend().get_texts()] == [
        "right predictions", "wrong predictions", "all predictions",
    ]  # fmt: skip
    titles = [one.get_text() for one in right.get_legend().get_texts()]
    assert titles[0] == "H ≤ 0.5"
    assert titles[2].startswith("H ≤ Γ of the run (")
    assert left.get_ylabel() == "mean entropy of the predictions (nats)"
    assert right.get_ylabel() == "low-entropy predictions (rows)"


def test_entropy_without_a_threshold_says_so(make_run):
    figure = draw("entropy", [make_run(method="standard", epochs=4, true_known=False)])
    assert [one.get_text() for one in figure.axes[0].get_legend().get_texts()] == ["all predictions"]
    said = " ".join(texts(figure)).replace("\n", " ")
    assert "The method standard has no threshold" in said


def test_threshold_draws_gamma_of_each_peer_from_where_it_holds(make_run):
    run = make_run(epochs=6, warmup=2)
    figure = draw("threshold", [run], bins=10)
    left = figure.axes[0]
    gammas = run.metrics()[-1]["threshold"]
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels == [f"Γ of peer {peer}: {value:.2f}" for peer, value in enumerate(gammas)]
    lines = [one for one in left.lines if one.get_label() in labels]
    assert [one.get_xdata()[0] for one in lines] == [2.5, 2.5]
    assert left.collections[0].get_array().shape == (10, 6)


def test_confusion_names_every_class(make_run):
    names = [f"long.name.of.group-{number}" for number in range(20)]
    figure = draw("confusion", [make_run(names=names, rows=400, epochs=3)])
    panels = [axes for axes in figure.axes if axes.get_xlabel() == "given label"]
    assert [axes.get_ylabel() for axes in panels] == ["true class", "predicted class", "true class (inferred)"]
    assert [label.get_text() for label in panels[0].get_yticklabels()] == names
    assert all([label.get_text() for label in axes.get_xticklabels()] == names for axes in panels)


def overlaps(figure) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes share more than a hair."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    hidden = set()
    for axes in figure.axes:
        if not axes.axison:
            hidden |= {id(label) for label in (*axes.get_xticklabels(), *axes.get_yticklabels())}
    for axes in figure.axes:  # ticks outside the limits have a text and are not drawn
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            hidden |= {id(tick.label1) for tick in ticks if not low <= tick.get_loc() <= high}
    boxes = [
        (found.get_text(), found.get_window_extent(renderer))
        for found in figure.findobj(Text)
        if found.get_text().strip() and found.get_visible() and id(found) not in hidden
    ]
    width, height = figure.bbox.width, figure.bbox.height
    pairs = []
    for index, (text, box) in enumerate(boxes):
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1:
            pairs.append((text, "the border"))
        for other_text, other in boxes[index + 1 :]:
            shared = (min(box.x1, other.x1) - max(box.x0, other.x0), min(box.y1, other.y1) - max(box.y0, other.y0))
            if min(shared) > 1.5:
                pairs.append((text, other_text))
    return pairs


def test_long_names_that_differ_in_the_middle_stay_different(make_run):
    names = [f"complaints about {what} of the northern branch" for what in ("prices", "rooms", "staff")]
    run = make_run(names=names)
    ticks = [text.get_text() for text in draw("confusion", [run]).axes[0].get_yticklabels()]
    assert len(set(ticks)) == 3 and not any(set(ticks) <= {name} for name in names)
    changes = [text.replace("\n", " ") for text in texts(draw("corrections", [run])) if "→" in text and "…" in text]
    assert changes and all(len(set(change.split(" → "))) == 2 for change in changes)


@pytest.mark.parametrize("name", ["accuracy", "confusion", "corrections", "entropy", "selection", "threshold"])
@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("true_known", [False, True])
def test_no_text_overlaps_another_or_leaves_the_picture(make_run, name, narrow, true_known):
    long = ["comp.os.ms-windows.misc", "talk.politics.mideast", "rec.sport.baseball", "soc.religion.christian"]
    body = "A rather long text that must be broken into lines, since no page is wide enough for all of its many words."
    run = make_run(names=long, epochs=12, texts=[f"{body} {row} {body}" for row in range(120)],
                   true_known=true_known)  # fmt: skip
    if narrow and name == "corrections":
        return  # a table is no picture of a telephone's page
    assert overlaps(draw(name, [run], narrow=narrow or None)) == []


def test_legends_notes_and_long_titles_keep_apart(make_run):
    """Several groups, one of which stopped early: small print and legend stand at the same edge."""
    long = "a_dataset_with_a_name_that_is_longer_than_any_picture_is_wide_and_then_some_more"
    runs = [make_run(method=method, epochs=8) for method in ("clc", "standard", "co_teaching", "decouple")]
    runs.append(make_run(method="clc", seed=1, epochs=4, planned=8))
    runs.append(make_run(method="standard", seed=1, epochs=8, true_known=False))
    for run in runs:
        environment = json.loads(run.file("environment.json").read_text()) | {"dataset": long}
        run.file("environment.json").write_text(json.dumps(environment))
    again = [RunDirectory(run.path) for run in runs]
    for name in ("accuracy", "selection"):
        for narrow in (False, True):
            assert overlaps(draw(name, again, narrow=narrow)) == [], (name, narrow)
            assert overlaps(draw(name, again[:1], narrow=narrow)) == [], (name, narrow)


def test_a_dollar_in_a_name_or_text_is_a_dollar(make_run):
    names = ["$x_{2", "a$b$c", "\\frac", "ok\nnewline"]
    run = make_run(
        names=names, epochs=5, texts=[f"costs $5 \\alpha_{row}^ <script>alert({row})</script>" for row in range(120)]
    )
    for name in ("confusion", "corrections"):
        figure = draw(name, [run])
        assert as_bytes(figure, "svg").startswith(b"<?xml")
        assert any("$" in text for text in texts(figure))


@pytest.mark.parametrize("format", ["pdf", "svg", "png"])
def test_the_same_run_gives_the_same_bytes(make_run, format):
    run = make_run(epochs=4)
    first, second = (as_bytes(draw("entropy", [RunDirectory(run.path)]), format) for _ in range(2))
    assert first == second
    assert b"CreationDate" not in first
    assert b"<dc:date>" not in first


def test_pdf_embeds_its_font_and_a_users_settings_change_nothing(make_run, tmp_path):
    import matplotlib

    run = make_run(epochs=4)
    plain = as_bytes(draw("accuracy", [run]), "pdf")
    assert b"/FontFile2" in plain
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "pdf.fonttype": 3}):
        assert as_bytes(draw("accuracy", [run]), "pdf") == plain
    path = write(draw("accuracy", [run]), tmp_path / "deep" / "figure.PDF")
    assert path.read_bytes() == plain


def test_corrections_show_texts_labels_and_verdicts(make_run):
    run = make_run(epochs=6, texts=[f"text number {row}" for row in range(120)])
    shown = texts(draw("corrections", [run], examples=4))
    assert sum(text.startswith("text number") for text in shown) == 4
    assert any("labels changed" in text and "fixed" in text and "broken" in text for text in shown)
    unknown = texts(draw("corrections", [make_run(seed=3, epochs=6, true_known=False)], examples=4))
    assert unknown.count("not known") == 4
    assert not any("fixed" in text for text in unknown)


@pytest.mark.parametrize("name", ["accuracy", "confusion", "corrections", "entropy", "selection", "threshold"])
def test_a_run_that_goes_on_is_drawn_and_the_picture_says_so(make_run, name):
    run = make_run(epochs=5, planned=30)
    figure = draw(name, [run])
    as_bytes(figure, "png")
    said = " ".join(texts(figure)).replace("\n", " ")
    if name not in ("accuracy", "selection"):  # there the line itself ends
        assert "5 of 30 epochs so far" in said


def test_one_class_one_peer_one_epoch(make_run):
    run = make_run(names=["only"], peers=1, epochs=1, warmup=0, method="standard", rate=0)
    for name in ("accuracy", "confusion", "entropy", "selection", "threshold"):
        as_bytes(draw(name, [run]), "png")


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("entropie", {}, "there is no figure 'entropie'; did you mean 'entropy'?"),
        ("entropy", {"of": "peers"}, "the figure 'entropy' has no option --of; it belongs to accuracy"),
        ("entropy", {"gamma": -1.0}, "--gamma is -1.0"),
        ("entropy", {"gamma": float("nan")}, "--gamma is nan"),
        ("accuracy", {"of": "peer"}, "there is no accuracy of 'peer'; did you mean 'peers'?"),
        ("corrections", {"examples": 0}, "--examples is 0"),
        ("threshold", {"bins": 1}, "--bins is 1"),
    ],
)
def test_bad_options(make_run, name, options, sentence):
    with pytest.raises(InputError) as error:
        draw(name, [make_run(epochs=4)], **options)
    assert sentence in str(error.value)


def test_bad_runs(make_run, tmp_path):
    run = make_run(epochs=4, test_rows=None)
    with refused(where=run.path, key="test rows"):
        draw("accuracy", [run])
    with refused(key="entropy"):
        draw("entropy", [run, run])
    with refused(where=tmp_path / "run1", key="label"):
        draw("corrections", [make_run(method="standard", epochs=4)])
    without = make_run(seed=4, epochs=5)
    without.file("data/train.parquet").unlink()
    with refused(where=without.path, key="data/train.parquet"):
        draw("corrections", [without])
    with refused(where=tmp_path / "figure.jpg"):
        write(draw("entropy", [run]), tmp_path / "figure.jpg")
    for path in without.file("dynamics").iterdir():
        path.unlink()
    with refused(where=without.path, key="dynamics"):
        draw("threshold", [without])
    assert any("cannot be counted" in text for text in texts(draw("entropy", [without])))


def test_lines_differ_in_grey():
    looks = [line(index) for index in range(8)]
    assert len({(str(look.dashes), look.marker) for look in looks}) == 8
    assert len({look.colour for look in looks}) == len(COLOURS)


def test_printable_is_one_line_without_controls():
    assert printable("a\nb\x00c\u202ed \t e") == "a b c d e"
    assert printable("x" * 30, 10) == "x" * 9 + "…"
    assert short_name("comp.sys.ibm.pc-1", 11) == "comp.….pc-1"
    assert short_name("\n") == "(no name)"
    assert printable_lines("a\r\n\n b\x00c\u202e\td\u2028") == "a\n\n b c  d "
    assert wrapped("word " * 30, 20, 2).count("\n") == 1
    assert np.max([len(part) for part in wrapped("y" * 90, 20).splitlines()]) == 20
