"""Features computed ahead of what needs them, by several processes of this machine or by a Ray cluster.

They go into the cache (`cache`), where every command finds them. Texts are dealt out in pieces, whoever is free takes
the next, and what a piece has made is kept at once, so that a call that was cut short goes on where it was. Workers of
a cluster need the model and no disk in common with this machine: features come back over the network.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.connection import Connection

import numpy as np
import torch

from clc_text.errors import InputError
from clc_text.models.pretrained import model_folder
from clc_text.text.encoders.features.cache import FeatureCache
from clc_text.text.encoders.features.compute import KEY, FrozenModel, Reading, work
from clc_text.text.encoders.sentence import Sentence
from clc_text.text.progress import progress
from clc_text.utils.ray_cluster import on_cluster
from clc_text.utils.workers import ATTEMPTS, end_when_told, in_processes, processors, serve

PIECE = 1024  # texts that a worker gets at once
_IN_HAND = 2  # pieces a worker of a cluster: the next one is there when one ends

Made = tuple[np.ndarray, np.ndarray]
"""float32 [n, D] and int32 [n], as `FrozenModel.vectors` gives them."""


@dataclass(frozen=True)
class Task:
    """All that a worker must know to compute features: the model by its name and the hash of its files."""

    name: str
    sha256: str
    reading: Reading
    batch_size: int


@dataclass(frozen=True)
class Ahead:
    """How many different texts there were, how many of them were computed now, and where all are."""

    texts: int
    computed: int
    folder: str


def encode_ahead(encoder: Sentence, texts: Sequence[str], engine: str, jobs: int | None) -> Ahead:
    """Computes what the cache lacks.

    Args:
        engine: "local" or "ray".
        jobs: workers, one thread each; None: as many as there are processors.

    Raises:
        InputError: there is no such model, here or where a worker runs; a worker died; the cache cannot be written.
    """
    model, reading = encoder.frozen_model(), encoder.how_read()
    task = Task(encoder.model, model.sha256, reading, encoder.batch_size)
    cache = FeatureCache(model.facts(reading), model.size)
    different = list(dict.fromkeys(texts))
    missing = cache.missing(different)
    # Texts of like length go together, so that little is padded; the longest first, so that the end comes evenly.
    missing.sort(key=lambda text: -work(text, reading))
    pieces = [missing[start : start + PIECE] for start in range(0, len(missing), PIECE)]
    with progress("computing features", sum(work(text, reading) for text in missing), bool(missing)) as advance:
        made = _by_ray(task, pieces, jobs) if engine == "ray" else _by_processes(task, pieces, jobs or processors())
        for piece, features in made:
            if isinstance(features, str):
                raise InputError(
                    f"not all features of {task.name} could be made: {features}; what was made is kept, and the same "
                    "command goes on",
                    where=task.name,
                )
            if not cache.store(piece, *map(torch.from_numpy, features)):
                raise InputError(
                    f"the features cannot be kept in {cache.folder}; make room there, or name another folder with "
                    "CLC_TEXT_CACHE",
                    where=cache.folder,
                    key="CLC_TEXT_CACHE",
                )
            advance(sum(work(text, reading) for text in piece))
    return Ahead(len(different), len(missing), str(cache.folder))


def vectors_of(task: Task, texts: Sequence[str]) -> Made | str:
    """What a worker does; a sentence where it cannot."""
    torch.set_num_threads(1)
    try:
        model = _model(task.name)
        if model.sha256 != task.sha256:
            return f"the model '{task.name}' has other files on {os.uname().nodename} than here; bring the same there"
        features, tokens = model.vectors(texts, task.reading, task.batch_size)
    except InputError as error:
        return str(error)
    return features.numpy(), tokens.numpy()


@lru_cache(1)
def _model(name: str) -> FrozenModel:
    return FrozenModel(model_folder(name, KEY))


def _by_processes(task: Task, pieces: list[list[str]], jobs: int) -> Iterator[tuple[list[str], Made | str]]:
    for piece, made in in_processes([(piece, (task, piece)) for piece in pieces], _work, jobs):
        yield piece, made or f"the process of a piece of texts died {ATTEMPTS} times (out of memory?); lower --jobs"


def _work(connection: Connection) -> None:
    end_when_told()
    serve(connection, lambda given: vectors_of(*given))


def _by_ray(task: Task, pieces: list[list[str]], jobs: int | None) -> Iterator[tuple[list[str], Made | str]]:
    tasks = ((piece, (task, piece)) for piece in pieces)
    for piece, made in on_cluster(tasks, vectors_of, jobs, lambda processors: _IN_HAND * (jobs or processors)):
        if isinstance(made, Exception):
            made = f"a worker of the cluster failed: {str(made).strip().splitlines()[-1]}"
        yield piece, made
