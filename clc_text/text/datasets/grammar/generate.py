"""Questions drawn from the grammar, block by block, as Arrow arrays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clc_text.text.datasets.grammar.lexicon import LEXICON, PARTITIONS
from clc_text.text.datasets.grammar.templates import CLASSES, SHARES, TEMPLATES

BLOCK = 50_000
TRAIN, TEST = 0, 1

_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class _Template:
    label: int
    share: float
    literals: list[str]  # one more than slots
    slots: list[str]


def _templates() -> list[_Template]:
    templates = []
    for label, (name, share) in enumerate(zip(CLASSES, SHARES, strict=True)):
        whole = sum(TEMPLATES[name].values())
        for pattern, weight in TEMPLATES[name].items():
            pieces = _SLOT.split(pattern)
            templates.append(_Template(label, share * weight / whole, pieces[::2], pieces[1::2]))
    return templates


def questions(rows: int, seed: int, stream: int) -> Iterator[pa.RecordBatch]:
    """`rows` questions in record batches of ``text`` and ``label`` (int64, the place in `CLASSES`).

    A block depends on the seed, the stream and its number alone, so that a longer corpus begins with the shorter
    one. No text of the `TEST` stream occurs in the `TRAIN` stream: the places of a question's words in their lists
    sum to a multiple of `PARTITIONS` in the one and never in the other.
    """
    templates = _templates()
    shares = np.array([template.share for template in templates])
    words = {name: pa.array(entries) for name, entries in LEXICON.items()}
    slots = max(len(template.slots) for template in templates)
    for number, start in enumerate(range(0, rows, BLOCK)):
        generator = np.random.default_rng([seed, stream, number])
        drawn = generator.choice(len(templates), size=BLOCK, p=shares / shares.sum())
        places = generator.integers(0, 1 << 40, size=(BLOCK, slots))
        partition = 0 if stream == TEST else generator.integers(1, PARTITIONS, size=BLOCK)
        size = min(BLOCK, rows - start)
        yield _block(templates, words, drawn[:size], places[:size], np.broadcast_to(partition, BLOCK)[:size])


def _block(
    templates: list[_Template],
    words: dict[str, pa.Array],
    drawn: np.ndarray,
    places: np.ndarray,
    partition: np.ndarray,
) -> pa.RecordBatch:
    """drawn int [B], the template of each row; places int [B, S], a word for each slot; partition int [B]."""
    order, texts = [], []
    for number, template in enumerate(templates):
        members = np.flatnonzero(drawn == number)
        if not len(members):
            continue
        sizes = np.array([len(words[slot]) for slot in template.slots])
        chosen = places[members, : len(sizes)] % sizes
        # The last word moves within its ten neighbours, until the sum falls into the row's partition.
        last = chosen[:, -1]
        wanted = (partition[members] - chosen[:, :-1].sum(axis=1)) % PARTITIONS
        chosen[:, -1] = last - last % PARTITIONS + wanted
        pieces: list[pa.Array | str] = [template.literals[0]]
        for slot, column, literal in zip(template.slots, chosen.T, template.literals[1:], strict=True):
            pieces += [words[slot].take(pa.array(column)), literal]
        texts.append(pc.binary_join_element_wise(*pieces, ""))
        order.append(members)
    place = np.argsort(np.concatenate(order), kind="stable")
    labels = np.array([template.label for template in templates])[drawn]
    return pa.record_batch({"text": pa.concat_arrays(texts).take(pa.array(place)), "label": pa.array(labels)})
