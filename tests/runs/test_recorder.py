"""What the recorder tells the monitor of a run that has ended."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from clc_text.artifacts.dynamics import epoch_file, read_epoch
from clc_text.artifacts.names import located
from clc_text.config.recipe import loads
from clc_text.runs.recorder import Recorder
from clc_text.runs.run import train

RECIPE = """
data: {name: quickstart, rows: 300, test_rows: 0}
noise: {name: symmetric, rate: 0.2}
encoder: {name: word_vectors, vectors: train, pooling: [concat], length: 8}
method: {name: clc, warmup_epochs: 1}
training: {epochs: 4, batch_size: 32, learning_rate: 3.0e-3}
canaries: 0.2
"""


def test_canaries_that_are_corrected_are_no_class_given_up(tmp_path: Path) -> None:
    run = train(loads(RECIPE), tmp_path / "run")
    labels, entries = run.labels(), run.metrics()
    dynamics = located(run.path, "dynamics")
    of_run: Any = SimpleNamespace(
        dynamics=dynamics,
        metrics=SimpleNamespace(entries=entries),
        prepared=SimpleNamespace(labels=labels),
        classes=7,  # one of which no row has
    )
    record = read_epoch(epoch_file(dynamics, entries[-1]["epoch"]))
    told = Recorder.changed_by_class(of_run)
    assert len(told) == 7 and told[6] == 0 and labels.canary.sum() == 60
    with_canaries = []
    for number in range(6):
        changed: dict[bool, list[float]] = {False: [], True: []}
        for row in np.flatnonzero(labels.trained == number):
            seen = bool(record.seen[row])
            peers = [float(seen and target != number) for target in record.target[:, row].tolist()]
            changed[bool(labels.canary[row])].append(sum(peers) / len(peers))
        np.testing.assert_allclose(told[number], np.mean(changed[False]))
        with_canaries.append(np.mean(changed[False] + changed[True]))
    assert max(abs(np.array(told[:6]) - with_canaries)) > 0.01


def test_a_class_that_is_written_in_two_ways_is_a_warning(tmp_path: Path) -> None:
    rows = [f"{word} {row} {word},{word.upper() if row % 2 else word}" for row in range(20) for word in ("tea", "ale")]
    (tmp_path / "rows.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    text = f"""
data: {{name: files, train: {tmp_path}/rows.csv, text: text, label: label}}
encoder: {{name: word_vectors, vectors: train, pooling: [concat], length: 4}}
method: {{name: standard}}
training: {{epochs: 1, batch_size: 32}}
"""
    notices = train(loads(text), tmp_path / "run").notices()
    (told,) = (one for one in notices if one["name"] == "classes alike")
    assert told["severity"] == "warning"
    assert told["message"].startswith("the classes 'ALE' and 'ale'; 'TEA' and 'tea' differ only in case or blanks, ")
    assert "data.label_map joins them" in told["message"]
