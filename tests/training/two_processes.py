"""Run by `torchrun` or `accelerate launch`: trains on 51 rows and leaves what each process has in the end.

two_processes.py FOLDER METHOD KIND [STOP | resume]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from safetensors.torch import save_file
from small_training import CLASSES, Collected, arguments, peers_model, rows
from torch import Tensor, nn
from transformers import TrainerCallback
from transformers.modeling_outputs import SequenceClassifierOutput

from clc_text.crossfit.trainer import NoisyLabelTrainer
from clc_text.methods.base import method as methods

ROWS = 51


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Dropout(0.2), nn.Linear(12, CLASSES))

    def forward(self, features: Tensor, labels: Tensor | None = None) -> SequenceClassifierOutput:
        return SequenceClassifierOutput(logits=self.layers(features))


class Stop(TrainerCallback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step == self.step:
            control.should_training_stop = control.should_epoch_stop = True


def main(folder: str, name: str, kind: str, *more: str) -> None:
    torch.set_num_threads(1)
    data: Any = rows(ROWS)
    if kind == "dataset":
        features = {"features": data.inputs["features"].numpy(), "labels": data.labels.numpy()}
        data = Dataset.from_dict(features).with_format("torch")
    told, stop = Collected(), int(more[0]) if more and more[0] != "resume" else None
    chosen = arguments(
        Path(folder) / "checkpoints", num_train_epochs=3, per_device_train_batch_size=8, save_strategy="steps",
        save_steps=stop or 1000, max_grad_norm=0.5, ddp_find_unused_parameters=False,
    )  # fmt: skip
    trainer = NoisyLabelTrainer(
        peers_model(dropout=0.2) if kind == "rows" else None,
        chosen,
        train_dataset=data,
        eval_dataset=rows(21, seed=2),
        model_init=None if kind == "rows" else lambda: Net(),
        method=methods.get(name)(warmup_epochs=1),
        peers=2,
        peers_init=lambda peers, seed: peers_model(peers, seed, dropout=0.2),
        dynamics_dir=Path(folder) / "dynamics",
        epoch_listeners=[told],
        callbacks=[Stop(stop)] if stop else None,
    )
    trainer.train(resume_from_checkpoint=more == ("resume",) or None)

    rank = trainer.args.process_index
    left = {f"model.{key}": value.contiguous() for key, value in trainer.model.state_dict().items()}
    left |= {f"memory.{key}": value.contiguous() for key, value in trainer.supervisor.state.memory.items()}
    left["log_probs"] = trainer.predict_log_probs(trainer.train_dataset).contiguous()
    left["accuracy"] = torch.tensor(trainer.evaluate()["eval_accuracy"])
    if told:
        left |= {f"record.{key}": value.contiguous() for key, value in vars(told[-1].record).items()}
        left["losses"] = torch.tensor([result.loss for result in told])
        left["test_log_probs"] = told[-1].test_log_probs.contiguous()
    save_file(left, Path(folder) / f"process-{rank}.safetensors")
    # All is written. Python's own end is left out: a thread of gloo may still be about to free the tensors of the last
    # gather, which needs the interpreter. It aborts the process where that is ending (pytorch#179291), and both wait
    # for each other where the trainer, and so the group, is dropped before.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
