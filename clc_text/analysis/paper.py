"""The paper's figures: Tables II, III and IV of Wu et al., ICDM 2019, as facts in `paper/*.csv`.

Test accuracy in percent, the mean of the last ten epochs; no deviation is printed there.
"""

from __future__ import annotations

import csv
import functools
from importlib.resources import files

# What the paper calls a method, by this package's name for it; its Bootstrap does not say soft or hard.
NAMES = {
    "standard": "Standard",
    "bootstrap": "Bootstrap",
    "forward": "Forward",
    "decouple": "Decouple",
    "mentornet": "MentorNet",
    "co_teaching": "Co-teaching",
    "co_distillation": "Co-distillation",
    "clc": "CLC",
}
DATASETS = {"news": "20newsgroups"}  # by this package's name for a dataset
TABLES = ("table2.csv", "table3.csv", "table4.csv")


def paper_accuracy(dataset: str, noise: str, rate: float | None, method: str) -> float | None:
    """Percent; None for what the paper does not have.

    Args:
        dataset: as `result.json` calls it.
        noise: name of the injected noise, "none" for a dataset that is noisy by itself (Table III).
        rate: of the noise, as the recipe gives it.
    """
    return _figures().get((DATASETS.get(dataset, dataset), noise, None if noise == "none" else rate, method))


@functools.cache
def _figures() -> dict[tuple[str, str, float | None, str], float]:
    figures = {}
    for name in TABLES:
        text = (files("clc_text.analysis") / "paper" / name).read_text(encoding="utf-8")
        for line in csv.DictReader(text.splitlines()):
            noise, rate = line.get("noise") or "none", line.get("rate")
            for method, title in NAMES.items():
                figures[line["dataset"], noise, float(rate) if rate else None, method] = float(line[title])
    return figures
