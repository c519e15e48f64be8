"""Since when training has taught a class: what the training dynamics say, read from its end."""

from __future__ import annotations

import numpy as np

from clc_text.artifacts.dynamics import epoch_file
from clc_text.artifacts.run_directory import NO_DYNAMICS, RunDirectory
from clc_text.errors import InputError


def target_since(run: RunDirectory, classes: np.ndarray) -> np.ndarray:
    """int32 [N], the first epoch since which every peer was taught this class in every epoch on record; 0: never.

    Epochs in which a row was not seen count as a continuation. The epochs are read backwards and only as far as some
    row is still being followed; of each file only the targets.

    Args:
        classes: int [N], the class asked for; -1 for a row that nobody asks about.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    epochs = run.dynamics_epochs()
    if not epochs:
        raise InputError(
            f"{run.path} has no training dynamics: {NO_DYNAMICS}; train again", where=run.path, key="dynamics"
        )
    since = np.zeros(len(classes), np.int32)
    following = np.flatnonzero(classes >= 0)
    for epoch in reversed(epochs):
        if not len(following):
            break
        path = epoch_file(run.file("dynamics"), epoch)
        try:
            schema = pq.read_schema(path)
            targets = [name for name in schema.names if name.startswith("target_")]
            table = pq.read_table(path, columns=["seen", *targets])
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path} is not readable ({error}); bring it back or train again", where=path) from None
        if len(table) != len(classes):
            raise InputError(
                f"{path} has {len(table):,} rows where the run has {len(classes):,}; train again", where=path
            )
        taught = np.ones(len(following), bool)
        for name in targets:
            taught &= table[name].to_numpy()[following] == classes[following]
        unseen = ~table["seen"].to_numpy()[following]
        since[following[taught & ~unseen]] = epoch
        following = following[taught | unseen]
    return since
