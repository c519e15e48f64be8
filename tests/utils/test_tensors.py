"""Files of tensors are the same bytes each time."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from safetensors import safe_open

from clc_text.utils.tensors import save_tensors

FACTS = {"views": "a,b", "folds": "5", "left_out": "", "name": '\u00fcn"\\\x01\x7f\u2028 \U0001f600', "z": "1"}


def test_the_order_of_the_facts_is_no_part_of_the_file(tmp_path: Path) -> None:
    tensors = {"train": np.arange(7, dtype=np.float32), "other": np.eye(3)}
    written = set()
    for number, order in enumerate(itertools.permutations(FACTS)):
        path = tmp_path / f"{number}.safetensors"
        save_tensors(tensors, path, {name: FACTS[name] for name in order})
        written.add(path.read_bytes())
    assert len(written) == 1
    with safe_open(path, "np") as opened:
        assert opened.metadata() == FACTS
        for name, values in tensors.items():
            np.testing.assert_array_equal(opened.get_tensor(name), values)
