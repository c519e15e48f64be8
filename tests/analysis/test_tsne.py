"""Maps against slow references, the same for the same seed, and the files that keep them."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from refusals import refused

from clc_text.analysis.hidden import HiddenRows, sample_rows
from clc_text.analysis.maps import Maps, Panel, check_labellings, make_maps, write_numbers
from clc_text.analysis.tsne import embed, neighbour_accuracy, quality, silhouette
from clc_text.errors import InputError
from clc_text.plots.figure import as_bytes
from clc_text.plots.tsne_figure import draw, look


def blobs(rows=150, classes=3, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    layer = random.normal(0, 6, (classes, 20))[labels] + random.normal(0, 1, (rows, 20))
    return layer.astype(np.float32), labels


def made_maps(names=("one", "two", "three"), panels=2, rows=150, texts=None) -> Maps:
    layer, labels = blobs(rows, len(names))
    hidden = HiddenRows(
        rows=np.arange(rows) * 2,
        layers=np.stack([layer] * panels),
        entropy=np.linspace(0, 1, rows),
        predicted=labels,
        labels={"given": np.roll(labels, 1), "corrected": labels, "true": np.where(np.arange(rows) < 5, -1, labels)},
        texts=texts or [f"text {row}" for row in range(rows)],
    )
    made = []
    for peer in range(panels):
        found = embed(layer, 20, seed=peer, iterations=300)
        made.append(Panel("run", f"CLC, peer {peer}", peer, hidden, found, quality(found, hidden.labels, 0)))
    settings = {"sample": rows, "perplexity": 20, "seed": 0}
    return Maps(list(names), "made, symmetric noise", settings, made)


@pytest.fixture(scope="module")
def maps() -> Maps:
    return made_maps()


def test_a_map_keeps_clusters_and_is_the_same_each_time():
    layer, labels = blobs()
    ticks = []
    first = embed(layer, 20, seed=3, iterations=300, advance=ticks.append)
    second = embed(layer, 20, seed=3, iterations=300)
    assert first.points.tobytes() == second.points.tobytes()
    assert first.points.shape == (150, 2)
    assert sum(ticks) >= 200
    assert neighbour_accuracy(first.points, labels) > 90
    assert 0 < first.divergence < 10


@pytest.mark.parametrize(
    ("layer", "options", "sentence"),
    [
        (np.ones((20, 4), np.float32), {"perplexity": 5}, "the same for every row: the network has collapsed"),
        (np.eye(20, dtype=np.float32), {"perplexity": 20}, "--perplexity is 20 for 20 rows"),
        (np.eye(20, dtype=np.float32), {"perplexity": float("nan")}, "--perplexity is nan"),
        (np.eye(20, dtype=np.float32), {"perplexity": 5, "iterations": 10}, "--iterations is 10; give at least 300"),
        (np.eye(2, dtype=np.float32), {"perplexity": 1}, "at least 3 rows"),
        (np.full((20, 4), np.nan, np.float32), {"perplexity": 5}, "not finite"),
    ],
)
def test_what_has_no_map(layer, options, sentence):
    with pytest.raises(InputError) as error:
        embed(layer, **options)
    assert sentence in str(error.value)


def test_neighbour_accuracy_against_a_loop():
    values, labels = blobs(60)
    labels = np.random.default_rng(5).permutation(labels)
    right = 0
    for row in range(60):
        distances = [(float(((values[row] - values[other]) ** 2).sum()), other) for other in range(60) if other != row]
        votes = Counter(int(labels[other]) for _, other in sorted(distances)[:10])
        winner = min(votes, key=lambda number: (-votes[number], number))
        right += winner == labels[row]
    assert neighbour_accuracy(values, labels) == pytest.approx(100 * right / 60)
    assert neighbour_accuracy(values, np.zeros(60, int)) is None


def test_silhouette_against_a_loop():
    values, labels = blobs(40)
    scores = []
    for row in range(40):
        distances = {
            number: [
                np.linalg.norm(values[row] - values[other])
                for other in range(40)
                if other != row and labels[other] == number
            ]
            for number in set(labels)
        }
        inside = np.mean(distances[labels[row]])
        outside = min(np.mean(distances[number]) for number in distances if number != labels[row])
        scores.append((outside - inside) / max(outside, inside))
    assert silhouette(values, labels, 0) == pytest.approx(np.mean(scores), abs=1e-4)
    assert silhouette(values, np.zeros(40, int), 0) is None


def test_samples_are_drawn_by_the_seed_and_in_order():
    assert sample_rows(10, 50, 0).tolist() == list(range(10))
    drawn = sample_rows(1000, 50, 3)
    assert drawn.tolist() == sorted(set(drawn.tolist()))
    assert len(drawn) == 50
    assert drawn.tolist() == sample_rows(1000, 50, 3).tolist() != sample_rows(1000, 50, 4).tolist()


def test_rows_without_a_true_label_count_for_nothing(maps):
    assert maps.panels[0].quality["true"]["rows"] == 145
    assert maps.panels[0].quality["given"]["rows"] == 150


def test_the_picture_has_a_panel_for_each_peer_and_labelling(maps):
    figure = draw(maps, ["given", "true"])
    assert len(figure.axes) == 4
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["0 one", "1 two", "2 three"]
    assert figure.axes[0].get_ylabel() == "given labels"
    assert figure.axes[0].get_title(loc="left").startswith("CLC, peer 0\nk-NN ")
    drawn = sum(len(part.get_offsets()) for part in figure.axes[0].collections)
    assert drawn == 150
    assert as_bytes(figure, "png") == as_bytes(draw(maps, ["given", "true"]), "png")


def test_names_stand_on_the_clusters_and_ten_classes_have_ten_colours():
    names = [f"class {number}" for number in range(10)]
    figure = draw(made_maps(names=names, rows=400), ["given"])
    written = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert len(written) >= 5 and written <= set(names), "those that would stand on others are left out"
    colours = {handle.get_color() for handle in figure.legends[0].legend_handles}
    assert len(colours) == 10
    for axes in figure.axes:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        boxes = [text.get_window_extent(canvas.get_renderer()) for text in axes.texts]
        frame = axes.get_window_extent(canvas.get_renderer())
        assert all(frame.x0 - 4 <= box.x0 and box.x1 <= frame.x1 + 4 for box in boxes)
        assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])


def test_on_a_narrow_page_the_first_network_stands_alone():
    figure = draw(made_maps(), ["given", "true"], narrow=True)
    assert len(figure.axes) == 2 and figure.get_figwidth() < 3.5


def test_forty_classes_differ():
    assert len({look(number) for number in range(40)}) == 40
    assert all(
        look(number)[0] != look(number + 1)[0] and look(number)[1] != look(number + 1)[1] for number in range(30)
    )


def test_numbers_are_written(maps, tmp_path):
    write_numbers(maps, tmp_path / "tsne.json", tmp_path / "tsne.parquet")
    told, table = json.loads((tmp_path / "tsne.json").read_text()), pq.read_table(tmp_path / "tsne.parquet")
    assert [entry["quality"] for entry in told["panels"]] == [panel.quality for panel in maps.panels]
    assert table["panel"].to_pylist() == [i for i, panel in enumerate(maps.panels) for _ in panel.rows.rows]
    assert table["row"].to_pylist() == [row for panel in maps.panels for row in panel.rows.rows.tolist()]
    points = np.stack([table["x"].to_numpy(), table["y"].to_numpy()], 1)
    assert (points == np.concatenate([panel.map.points for panel in maps.panels])).all()
    assert told["settings"]["perplexity"] == 20


def test_maps_of_a_trained_run(tiny_run):
    from clc_text.artifacts.run_directory import RunDirectory

    run = RunDirectory(tiny_run)
    begun = []
    found = make_maps(
        [run],
        sample=120,
        perplexity=10,
        iterations=300,
        progress=lambda title, steps: begun.append((title, steps)) or (lambda done: None),
    )
    assert [panel.title for panel in found.panels] == ["CLC, peer 0", "CLC, peer 1"]
    assert found.labellings == ["given", "corrected", "true"]
    assert begun[0] == (f"hidden layer of {run.name}", 120)
    rows = found.panels[0].rows
    assert rows.layers.shape == (2, 120, 16)
    assert rows.texts[5] == run.data()[int(rows.rows[5])]["text"]
    probs = np.exp(run.log_probs("train")[:, rows.rows]).mean(0)
    assert rows.predicted.tolist() == probs.argmax(-1).tolist()
    again = make_maps([run], sample=120, perplexity=10, iterations=300)
    assert again.panels[1].map.points.tobytes() == found.panels[1].map.points.tobytes()


def test_maps_of_a_run_that_was_cut_short_take_the_newest_checkpoint(tiny_run, tmp_path):
    import shutil

    from clc_text.artifacts.run_directory import RunDirectory

    folder = tmp_path / "cut"
    shutil.copytree(tiny_run, folder)
    shutil.rmtree(folder / "model")
    for name in ("result.json", "predictions.safetensors", "notices.json"):
        (folder / name).unlink()
    found = make_maps([RunDirectory(folder)], peer="1", sample=60, perplexity=10, iterations=300)
    assert [panel.peer for panel in found.panels] == [1]
    shutil.rmtree(folder / "checkpoints")
    with refused(where=folder, key="model"):
        make_maps([RunDirectory(folder)], sample=60, perplexity=10)


def test_bad_input(make_run):
    run, other = make_run(epochs=4), make_run(names=["a", "b"], epochs=4)
    with refused(key="run"):
        make_maps([run, run, run])
    with refused(where=run.path, key="classes"):
        make_maps([run, other])
    with refused(where=run.path, key="2"):
        make_maps([run], peer="2")
    with refused(key="--sample"):
        make_maps([run], sample=2)
    with refused(where=run.path, key="--class"):
        make_maps([run], of_class="a")
    with refused(key="tru"):
        check_labellings(["tru"], [run])
    with refused(key="true"):
        check_labellings(["true"], [make_run(seed=1, epochs=4, true_known=False)])
