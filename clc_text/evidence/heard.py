"""What views said of rows, kept in a file between a training that is taught by them and whoever judges its labels.

Views of the same features, words and labels say the same, to the bit, and take a tenth of the time of a large table:
who asks for them first leaves them, and who asks next takes them from there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from clc_text.evidence.views.base import Seen
from clc_text.utils.files import to_be_written, write_with
from clc_text.utils.tensors import save_tensors

FILE = "views.safetensors"


@dataclass(frozen=True)
class Heard:
    """
    Attributes:
        log_probs: float32 [N, C] of each view by its name (`mixture.clipped`), in the order of the views.
        gains: of each, and its error (`mixture.gain_of_view`).
    """

    log_probs: dict[str, np.ndarray]
    gains: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class KeptViews:
    """A file that holds what views said of one set of rows, or does not exist yet."""

    path: Path

    def of(self, seen: Seen, learnt: np.ndarray, names: list[str], hear: Callable[[], Heard]) -> Heard:
        """What is kept, where it was made from the same; else what is heard now, which is kept then.

        Args:
            learnt: the labels that views' gains are measured by.
            names: of the views.
            hear: asks the views.
        """
        mark = _mark(seen, learnt, names)
        heard = self._found(mark, names)
        if heard is None:
            heard = hear()
            with to_be_written(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
            facts = {"made_from": mark, "gains": json.dumps(heard.gains)}
            write_with(self.path, lambda aside: save_tensors(heard.log_probs, aside, facts))
        return heard

    def forget(self) -> None:
        """Removes the file, whose views others will not ask for again."""
        self.path.unlink(missing_ok=True)

    def _found(self, mark: str, names: list[str]) -> Heard | None:
        from safetensors import SafetensorError, safe_open

        if not self.path.is_file():
            return None
        try:
            with safe_open(self.path, "np") as opened:
                facts = opened.metadata() or {}
                if facts.get("made_from") != mark:
                    return None
                told = json.loads(facts["gains"]).items()
                gains = {name: (float(gain), float(error)) for name, (gain, error) in told}
                return Heard({name: opened.get_tensor(name) for name in gains}, gains)
        except (SafetensorError, OSError, KeyError, ValueError):
            return None  # a damaged file is made anew


def _mark(seen: Seen, learnt: np.ndarray, names: list[str]) -> str:
    """Of all that decides what views say; which rows are copies, and the folds, follow from it."""
    mark = blake2b(f"{names} {seen.classes} {seen.seed}".encode(), digest_size=16)
    words = [] if seen.words is None else [seen.words.indptr, seen.words.indices, seen.words.data]
    for one in (seen.features, seen.labels, learnt, seen.folds, *words):
        mark.update(b"none" if one is None else f" {one.dtype} {one.shape} ".encode())
        if one is not None:
            mark.update(np.ascontiguousarray(one).data)
    return mark.hexdigest()
