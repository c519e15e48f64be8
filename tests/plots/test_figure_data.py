"""The numbers behind the pictures, each against a slow loop over what the run directory holds."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from refusals import refused
from safetensors.numpy import load_file, save_file

from clc_text.analysis.confusion import matrices
from clc_text.analysis.corrected import corrected_labels, target_labels
from clc_text.analysis.examples import choose_rows, count_changes, pick_examples
from clc_text.analysis.groups import group, method_title
from clc_text.analysis.series import curve, mean_of_peers, warm_up_ends
from clc_text.analysis.thresholds import own_thresholds
from clc_text.analysis.unfinished import begun, not_ended
from clc_text.artifacts.cross_fit import CrossFit
from clc_text.data.labels import Labels
from clc_text.errors import InputError
from clc_text.plots.figure import draw
from clc_text.plots.figures.accuracy import accuracy
from clc_text.plots.figures.entropy import low_entropy, mean_entropy
from clc_text.plots.figures.selection import label_precision, selected
from clc_text.plots.figures.threshold import entropy_histogram


def dynamics_rows(run, epoch):
    """The record of training dynamics of an epoch as one dict for each peer and row."""
    record = run.dynamics(epoch)
    columns = {name: getattr(record, name).tolist() for name in ("prediction", "entropy", "target", "selected")}
    for peer in range(len(record.prediction)):
        for row in range(len(record.seen)):
            yield {"peer": peer, "row": row, **{name: values[peer][row] for name, values in columns.items()}}


def test_low_entropy_counts_each_peer_and_takes_their_mean(make_run):
    run = make_run()
    true = run.labels().true
    thresholds = {epoch: [0.9, 0.4] for epoch in run.dynamics_epochs()[1:]}
    found = low_entropy(run, thresholds)
    assert math.isnan(found.count[0])
    for index, epoch in enumerate(run.dynamics_epochs()[1:], start=1):
        low = [one for one in dynamics_rows(run, epoch) if one["entropy"] <= np.float32([0.9, 0.4][one["peer"]])]
        assert found.count[index] == len(low) / 2
        assert found.right[index] == sum(one["prediction"] == true[one["row"]] for one in low) / 2


def test_low_entropy_knows_no_right_ones_without_true_labels(make_run):
    run = make_run(true_known=False)
    assert low_entropy(run, {1: [1.0, 1.0]}).right is None


def test_mean_entropies_of_right_and_wrong_predictions(make_run):
    run = make_run(warmup=2)
    true = run.labels().true
    for kind in ("right", "wrong", "all"):
        found = curve([run], mean_entropy(kind))
        for epoch, value in zip(found.epochs, found.mean, strict=True):
            peers = []
            for peer in (0, 1):
                values = [
                    one["entropy"]
                    for one in dynamics_rows(run, epoch)
                    if one["peer"] == peer
                    and (kind == "all" or (one["prediction"] == true[one["row"]]) == (kind == "right"))
                ]
                if values:
                    peers.append(sum(values) / len(values))
            # The training dynamics' files are rounded to three decimals, metrics.jsonl is not.
            assert value == pytest.approx(sum(peers) / len(peers), abs=6e-4) if peers else math.isnan(value)


def test_selected_rows_and_label_precision(make_run):
    run = make_run()
    true = run.labels().true
    for entry in run.metrics():
        kept = [one for one in dynamics_rows(run, entry["epoch"]) if one["selected"]]
        assert selected(entry) == len(kept) / 2
        shares = []
        for peer in (0, 1):
            own = [one["target"] == true[one["row"]] for one in kept if one["peer"] == peer]
            shares.append(100 * sum(own) / len(own))
        assert label_precision(entry) == pytest.approx(sum(shares) / 2)


def test_entropy_histogram_counts_every_prediction_once(make_run):
    run = make_run()
    true = run.labels().true
    found = entropy_histogram(run, bins=7)
    assert found.edges[-1] == pytest.approx(math.log(4))
    for index, epoch in enumerate(found.epochs):
        counts, right = Counter(), Counter()
        for one in dynamics_rows(run, epoch):
            bin_ = min(6, int(np.searchsorted(found.edges, np.float32(one["entropy"]), side="right")) - 1)
            counts[bin_] += 1
            right[bin_] += one["prediction"] == true[one["row"]]
        assert found.counts[index].tolist() == [counts[bin_] for bin_ in range(7)]
    assert found.last_right.tolist() == [right[bin_] for bin_ in range(7)]
    assert (found.counts.sum(1) == 2 * len(true)).all()


def test_target_labels_need_agreement_and_leave_canaries_alone(make_run):
    run = make_run()
    labels = run.labels()
    canary = np.zeros(len(labels.given), bool)
    record = run.dynamics()
    changed = [
        row
        for row in range(len(labels.given))
        if len({int(target) for target in record.target[:, row]}) == 1
        and int(record.target[0, row]) != labels.given[row]
    ]
    canary[changed[0]] = True
    labels = Labels(labels.given, labels.trained, labels.true, canary)
    found = target_labels(run, labels)
    assert np.flatnonzero(found.changed).tolist() == changed[1:]
    for row in range(len(labels.given)):
        targets = {int(target) for target in record.target[:, row]}
        wanted = targets.pop() if len(targets) == 1 and not canary[row] else labels.given[row]
        assert found.label[row] == wanted
        probabilities = [
            float(record.confidence[peer, row]) if int(record.prediction[peer, row]) == wanted else 0.0
            for peer in (0, 1)
        ]
        assert found.confidence[row] == pytest.approx(sum(probabilities) / 2)


def test_corrections_are_counted_and_chosen_pair_by_pair(make_run):
    run = make_run(skill=0.5)
    labels = run.labels()
    found = corrected_labels(run, labels)
    rows = np.flatnonzero(found.changed).tolist()
    counts = count_changes(labels, found)
    verdicts = Counter()
    for row in rows:
        now, given, true = found.label[row], labels.given[row], labels.true[row]
        verdicts["fixed" if now == true else "broken" if given == true else "wrong"] += 1
    assert (counts.changed, counts.fixed, counts.broken, counts.wrong) == (
        len(rows), verdicts["fixed"], verdicts["broken"], verdicts["wrong"],
    )  # fmt: skip
    assert verdicts["broken"] > 0
    assert verdicts["fixed"] > 0

    pairs = {(labels.given[row], found.label[row]) for row in rows}
    chosen = choose_rows(labels, found, len(pairs))
    assert {(labels.given[row], found.label[row]) for row in chosen} == pairs
    for row in chosen:
        rivals = [
            other
            for other in rows
            if labels.given[other] == labels.given[row] and found.label[other] == found.label[row]
        ]
        assert found.confidence[row].round(3) == max(found.confidence[other].round(3) for other in rivals)
    examples = pick_examples(run, labels, found, 5)
    assert [example.text for example in examples] == [run.data()[example.row]["text"] for example in examples]
    assert {example.verdict for example in pick_examples(run, labels, found, 60)} >= {"fixed", "broken"}


def test_corrected_labels_are_those_of_the_corrected_dataset_once_there_is_one(make_run):
    from clc_text.corrections.log import Step
    from clc_text.corrections.source import from_parquet
    from clc_text.corrections.state import PERSON, State
    from clc_text.corrections.store import MADE, write_first

    run = make_run()
    labels = run.labels()
    rows = len(labels.given)
    label = labels.given.astype(np.int32).copy()
    label[3] = (label[3] + 1) % 4
    source = np.zeros(rows, np.int8)
    source[3] = PERSON
    even = np.full(rows, 0.5, np.float32)
    state = State(
        label=label, source=source, given=labels.given.astype(np.int32), suggested=label.copy(), confidence=even,
        probability_given=even / 2, entropy=even, peers_agree=np.ones(rows, bool), since=np.zeros(rows, np.int32),
    )  # fmt: skip
    facts = {"run_id": run.run_id, "label_names": run.label_names, "input_column": "text", "label_column": "label"}
    facts |= dict.fromkeys(MADE) | {"policy": {"name": "agree", "sentence": "by hand"}}
    facts["predictions"] = {"kind": "in sample", "folds": None, "agree_with_given": 1, "confidence": 1, "entropy": 0}
    facts |= {"sha256": {"predictions": "", "labels": ""}, "recipe": "by hand", "dataset": "by hand", "version": 2}
    write_first(run, state, from_parquet([run.file("data/train.parquet")]), facts, Step("correct", {}, whole=True))
    found = corrected_labels(run)
    assert np.flatnonzero(found.changed).tolist() == [3]
    assert found.confidence[[3, 4]].tolist() == [0.5, 0.25]
    assert found.source == "corrected dataset, step 1"


def test_confusion_panels_against_loops(make_run):
    run = make_run(rate=0.3)
    panels, remarks = matrices(run)
    assert remarks == ["In sample: networks that have memorised wrong labels make the estimate too small."]
    assert panels[0].shares.diagonal() == pytest.approx([0.7] * 4)
    probs = np.exp(run.log_probs("train")).mean(0)
    counts = np.zeros((4, 4))
    for row, given in enumerate(run.labels().given):
        counts[probs[row].argmax(), given] += 1
    assert np.allclose(panels[1].shares, counts / counts.sum(1, keepdims=True))
    assert np.allclose(panels[2].shares.sum(1), 1)


def test_canaries_that_the_networks_repeat_are_no_noise_of_the_given_labels(make_run):
    run = make_run(rate=0)
    labels = run.labels()
    canary = np.arange(len(labels.given)) % 5 == 0
    trained = np.where(canary, (labels.given + 1) % 4, labels.given)
    Labels(labels.given, trained, labels.true, canary).write(run.file("noise/labels.parquet"))
    log_probs = np.log(np.full((2, len(trained), 4), 0.01) + 0.96 * np.eye(4)[trained]).astype(np.float32)
    kept = load_file(run.file("predictions.safetensors"))
    save_file(kept | {"train": log_probs}, run.file("predictions.safetensors"))
    assert matrices(run)[0][2].title == "estimated, rate 0.00 (in sample)"


def test_the_estimated_panel_is_what_the_run_itself_found(make_run):
    run = make_run(rate=0.3)
    labels, random = run.labels(), np.random.default_rng(0)
    rows = len(labels.given)
    posterior = random.dirichlet(np.ones(4), rows)
    transition = random.dirichlet(np.ones(4), 4)
    one = {"epochs": 1, "best_epoch": 1, "log_likelihood": -1.0, "sharpness": 1.0, "used": True}
    facts = {"rate": 0.9, "folds": 5, "sharpness": 1.0, "log_likelihood": -1.0, "rounds": [one, one]}
    CrossFit(np.zeros((1, rows), np.int64), posterior, transition, posterior, facts).save(run.path)
    panels, _ = matrices(run)
    assert np.array_equal(panels[2].shares, transition)
    kept = [row for row in range(rows) if not labels.canary[row]]
    rate = sum(1 - posterior[row, labels.trained[row]] for row in kept) / len(kept)
    assert panels[2].title == f"estimated, rate {rate:.2f} (cross-fitting)"


def test_of_more_classes_than_anybody_can_look_at_there_is_no_matrix(make_run):
    run = make_run(names=[f"class {number}" for number in range(1001)], rows=1100, epochs=1)
    panels, remarks = matrices(run)
    assert panels == []
    assert remarks == ["Of 1,001 classes there is no matrix: it would have 1,002,001 cells."]
    with refused(where=run.path):
        draw("confusion", [run])


def test_confusion_of_a_run_that_goes_on_comes_from_the_dynamics(make_run):
    run = make_run(planned=40)
    panels, remarks = matrices(run)
    assert len(panels) == 2
    assert "needs the predictions that a run leaves at its end" in remarks[0]
    counts = np.zeros((4, 4))
    for one in dynamics_rows(run, run.dynamics_epochs()[-1]):
        counts[one["prediction"], run.labels().given[one["row"]]] += 1
    assert np.allclose(panels[1].shares, counts / counts.sum(1, keepdims=True))


def test_noise_panel_is_counted_where_the_manifest_is_not_about_the_truth(make_run):
    run = make_run(rate=0)
    labels = run.labels()
    true = labels.given.copy()
    true[:40] = -1
    true[40:90] = (true[40:90] + 1) % 4
    Labels(labels.given, labels.trained, true, labels.canary).write(run.file("noise/labels.parquet"))
    panel = matrices(run)[0][0]
    counts = np.zeros((4, 4))
    for row in range(40, len(true)):
        counts[true[row], labels.given[row]] += 1
    assert np.allclose(panel.shares, counts / counts.sum(1, keepdims=True))
    assert panel.title == f"noise as counted in {len(true) - 40:,} rows, rate {50 / (len(true) - 40):.2f}"


def test_runs_that_differ_in_seeds_only_are_one_group(make_run):
    runs = [make_run(seed=seed, epochs=4) for seed in (0, 1, 2)]
    runs += [make_run(method="standard", epochs=4), make_run(seed=5, epochs=4, beta=0.7)]
    groups = group(runs)
    assert [one.n for one in groups] == [3, 1, 1]
    assert [one.title for one in groups] == ["CLC (no beta)", "Standard", "CLC (beta 0.7)"]
    mean = curve(groups[0], accuracy)
    for index, epoch in enumerate(mean.epochs):
        values = []
        for run in runs[:3]:
            (entry,) = (entry for entry in run.metrics() if entry["epoch"] == epoch)
            values.append(sum(entry["test"]["accuracy"]["peers"]) / 2)
        centre = sum(values) / 3
        assert mean.mean[index] == pytest.approx(centre)
        assert mean.deviation[index] == pytest.approx(math.sqrt(sum((value - centre) ** 2 for value in values) / 2))


def test_a_group_ends_where_its_shortest_run_does(make_run):
    runs = [make_run(seed=0, epochs=6), make_run(seed=1, epochs=4, planned=6)]
    (one,) = group(runs)
    found = curve(one, selected)
    assert found.epochs.tolist() == [1, 2, 3, 4]


def test_the_same_run_twice_counts_once(make_run):
    run = make_run(epochs=4)
    again = make_run(epochs=4)
    kept, remarks = begun([run, again])
    assert kept == [run]
    assert "it repeats" in remarks[0]


def test_runs_that_have_not_begun_are_left_out_and_named(make_run):
    run, empty = make_run(epochs=4), make_run(seed=1, epochs=4)
    empty.file("metrics.jsonl").write_text("")
    kept, remarks = begun([empty, run])
    assert kept == [run]
    assert remarks == [f"{empty.path} is left out: no epoch has ended yet"]
    with pytest.raises(InputError, match="nothing to show"):
        begun([empty])


def test_a_line_that_is_being_written_is_not_read(make_run):
    run = make_run(epochs=4, planned=9)
    with open(run.file("metrics.jsonl"), "a") as handle:
        handle.write('{"epoch": 5, "step')
    assert [entry["epoch"] for entry in run.metrics()] == [1, 2, 3, 4]
    assert not_ended(run) == f"{run.path} has not ended: 4 of 9 epochs so far (it is still going, or was cut short)"


def test_own_thresholds_are_entropies_or_not_shown(make_run):
    run = make_run(warmup=3, epochs=5)
    found = own_thresholds(run)
    assert sorted(found.by_epoch) == [4, 5]
    assert found.by_epoch[4] == run.metrics()[3]["threshold"]
    assert "has no threshold" in own_thresholds(make_run(method="standard", epochs=4)).remark
    assert "warm-up has not ended" in own_thresholds(make_run(epochs=3, warmup=3, planned=9)).remark
    margin = make_run(seed=7, epochs=5, criterion="margin")
    assert own_thresholds(margin).by_epoch == {}
    assert "one of margin" in own_thresholds(margin).remark


def test_warm_up_ends_only_where_all_agree(make_run):
    three, two, none = (
        make_run(warmup=3, epochs=4),
        make_run(seed=1, warmup=2, epochs=4),
        make_run(seed=2, warmup=0, epochs=4),
    )
    assert warm_up_ends([three, none]) == 3
    assert warm_up_ends([three, two]) is None


def test_mean_of_peers_leaves_out_the_unknown():
    assert mean_of_peers([1.0, None, 3.0]) == 2.0
    assert math.isnan(mean_of_peers([None, None]))
    assert math.isnan(mean_of_peers(None))


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("clc", "CLC"),
        ("clc_auto", "CLC auto"),
        ("co_teaching", "Co-teaching"),
        ("mentornet", "MentorNet"),
        ("jocor", "JoCoR"),
        ("selfmix", "SelfMix"),
        ("dividemix", "DivideMix"),
        ("standard", "Standard"),
    ],
)
def test_method_titles(name, title):
    assert method_title(name) == title
