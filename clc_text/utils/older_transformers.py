"""Functions of `transformers.trainer_utils` that were methods of `Trainer` before 5.2."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

from transformers import Trainer

__all__ = ["align_special_tokens", "rotate_checkpoints"]

try:
    from transformers.trainer_utils import align_special_tokens, rotate_checkpoints
except ImportError:  # the methods ask a trainer for nothing but what is given here
    methods: Any = Trainer

    def align_special_tokens(model: Any, processing_class: Any) -> None:
        methods._align_special_tokens(SimpleNamespace(model=model, processing_class=processing_class))

    def rotate_checkpoints(
        output_dir: str, save_total_limit: int, best_model_checkpoint: str | None, use_mtime: bool
    ) -> None:
        trainer = SimpleNamespace(
            args=SimpleNamespace(save_total_limit=save_total_limit),
            state=SimpleNamespace(best_model_checkpoint=best_model_checkpoint),
        )
        trainer._sorted_checkpoints = partial(methods._sorted_checkpoints, trainer)
        methods._rotate_checkpoints(trainer, use_mtime=use_mtime, output_dir=output_dir)
