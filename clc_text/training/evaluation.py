"""What k peers say of rows: every peer's logits in order, and what `Trainer` shows of the ensemble."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import SequentialSampler
from transformers.trainer_pt_utils import nested_detach

from clc_text.data.best_classes import BestClasses, joined
from clc_text.data.rows import Rows
from clc_text.models.multi_label import log_odds_together
from clc_text.models.peers import at_least_float32, ensemble_logits
from clc_text.models.peers_of import logits_of
from clc_text.training import distributed
from clc_text.training.data import as_classes
from clc_text.training.multi_label import pairs
from clc_text.training.problem_type import SingleLabel, problem_type_of
from clc_text.training.scoring import classes_of_all, shown_alone
from clc_text.training.stepping import PeersStepping


class PeersEvaluation(PeersStepping):
    """The part of the trainer that predicts and evaluates.

    Attributes:
        classes_seen: int [N, P + 1] of the last evaluation: each peer's classes, and those of the ensemble; where
            several classes may hold, int [N · C, P + 1], whether each holds.
    """

    classes_seen: np.ndarray | None = None

    @property
    def problem(self) -> SingleLabel:
        """What is asked of a row."""
        return problem_type_of(self.model)

    def number_of_classes(self) -> int:
        """C, by the model where it says so, else by what it predicts; 2, no and yes, where several may hold."""
        return self.problem.choices or int(self._predict(self.train_dataset)[0].shape[-1])

    def predict_log_probs(self, rows: Any) -> Tensor:
        """[P, N, C] log-probabilities of every peer, in evaluation mode, in the order of the rows.

        Where several classes may hold, [P, N · C, 2] of all pairs of a row and a class.
        """
        logits = self.predict_logits(rows)
        return pairs(logits) if self.model.multi_label else logits.log_softmax(-1)

    def predict_logits(self, rows: Any) -> Tensor:
        """[P, N, C] logits of every peer, in evaluation mode, in the order of the rows."""
        return self._predict(rows)[0]

    @torch.no_grad()
    def predict_held_out(self, rows: Any, fold: Tensor) -> Tensor:
        """[N, C] log-probabilities of each row by the one peer that is held blind to it, in the order of the rows;
        [N, C, 2] where several classes may hold.

        Args:
            rows: N rows.
            fold: int64 [N], the number of that peer.
        """
        index, logits_of_peers = [], []
        for numbers, logits in self._held_out(rows, fold):
            index.append(numbers)
            logits_of_peers.append(logits)
        places = torch.cat(index).to(logits_of_peers[0].device)
        (logits,) = distributed.in_order(self.accelerator, places, [torch.cat(logits_of_peers)[None]])
        return self.model.log_probs(logits[0])

    def best_held_out(self, rows: Any, fold: Tensor, given: np.ndarray) -> BestClasses:
        """As `predict_held_out`, of each row its best classes and the one that it was given, int [N]."""
        index, parts = [], []
        for numbers, logits in self._held_out(rows, fold):
            index.append(numbers)
            parts.append(_best_of(self.model.log_probs(logits), given[numbers.numpy()]))
        return self._best_in_order(index, [joined(parts)])[0]

    def best_log_probs(self, rows: Any, given: np.ndarray) -> list[BestClasses]:
        """As `predict_log_probs`, of each of P peers, the best classes of every row and the one that it was given."""
        index, of_peers = list[Tensor](), [list[BestClasses]() for _ in range(self.model.peers)]
        for numbers, logits, _ in self._scored(rows):
            index.append(numbers.cpu())
            for parts, log_probs in zip(of_peers, logits.log_softmax(-1), strict=True):
                parts.append(_best_of(log_probs, given[index[-1].numpy()]))
        return self._best_in_order(index, [joined(parts) for parts in of_peers])

    def _best_in_order(self, index: list[Tensor], tables: list[BestClasses]) -> list[BestClasses]:
        """Tables of the rows that were scored here, as they stand for all rows."""
        values = [torch.from_numpy(np.stack([one.values for one in tables]))]
        values += [torch.from_numpy(np.stack([one.classes for one in tables]))]
        values += [torch.from_numpy(np.stack([one.rest for one in tables]))[..., None]]
        device = self.args.device
        ordered = distributed.in_order(
            self.accelerator, torch.cat(index).to(device), [value.to(device) for value in values]
        )
        best, classes, rest = (value.cpu().numpy() for value in ordered)
        return [
            replace(tables[0], values=best[one], classes=classes[one], rest=rest[one, :, 0])
            for one in range(len(best))
        ]

    @torch.no_grad()
    def _held_out(self, rows: Any, fold: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Numbers [n] and logits [n, ...] of rows, part by part, each by the one peer that is held blind to it."""
        with self._evaluating() as model:
            for batch in self._batches(rows):
                inputs = self._prepare_inputs(batch)
                numbers = inputs.pop("index").cpu()
                inputs.pop("labels")
                # Sorted by peer, so that each is asked once a batch, and for no row but its own.
                blind, order = fold[numbers].sort(stable=True)
                peers, counts = blind.unique_consecutive(return_counts=True)
                for peer, own in zip(peers.tolist(), order.split(counts.tolist()), strict=True):
                    mine = {name: values[own.to(values.device)] for name, values in inputs.items()}
                    with self.compute_loss_context_manager():
                        logits = at_least_float32(model.peer_logits(peer, **mine))
                    yield numbers[own], logits

    @torch.no_grad()
    def _predict(self, rows: Any) -> tuple[Tensor, Tensor]:
        """Logits [P, N, C] of every peer and labels [N] or [N, C], in the order of the rows."""
        index, seen, labels = [], [], []
        for numbers, of_peers, of_rows in self._scored(rows):
            index.append(numbers)
            seen.append(of_peers)
            labels.append(of_rows)
        logits, given = torch.cat(seen, -2), torch.cat(labels)
        if not distributed.several(self.accelerator):
            return logits, given
        as_columns = given if given.dim() == 2 else given[:, None]
        logits, as_columns = distributed.in_order(self.accelerator, torch.cat(index), [logits, as_columns])
        return logits, as_columns if given.dim() == 2 else as_columns[:, 0]

    @torch.no_grad()
    def _scored(self, rows: Any) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Numbers [n], logits [P, n, C] and labels of rows, part by part."""
        with self._evaluating() as model:
            for batch in self._batches(rows):
                inputs = self._prepare_inputs(batch)
                numbers, labels = inputs.pop("index"), inputs.pop("labels")
                with self.compute_loss_context_manager():
                    logits = at_least_float32(model(**inputs).peer_logits)
                yield numbers, logits, labels

    @contextmanager
    def _evaluating(self) -> Iterator[Any]:
        """The model in evaluation mode, for a while that leaves no trace in the training."""
        training = self.model.training
        self.model.eval()
        with torch.random.fork_rng(devices=[]):  # a data loader draws a seed, which would change the dropout to come
            yield self.model
        self.model.train(training)

    def _batches(self, rows: Any) -> Iterator[dict[str, Any]]:
        size = max(self.args.per_device_eval_batch_size, 1)
        if isinstance(rows, Rows) and not distributed.several(self.accelerator):
            for start in range(0, len(rows), size):  # slices copy nothing
                inputs = {name: values[start : start + size] for name, values in rows.inputs.items()}
                labels = rows.labels[start : start + size]
                yield {**inputs, "labels": labels, "index": torch.arange(start, start + len(labels))}
            return
        drop_last, self.args.dataloader_drop_last = self.args.dataloader_drop_last, False  # that is for training
        try:
            loader = self._get_dataloader(rows, "Scoring", size, SequentialSampler, numbered=True)
        finally:
            self.args.dataloader_drop_last = drop_last
        yield from map(dict, loader)

    def prediction_step(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[Tensor | None, Any, Tensor | None]:
        inputs = dict(self._prepare_inputs(inputs))
        labels = inputs.get("labels")
        if isinstance(labels, torch.Tensor):
            labels = inputs["labels"] = as_classes(labels)
        training = model.training  # where a script calls this by itself: the method learns nothing of these rows
        if training:
            model.eval()
        try:
            with torch.no_grad(), self.compute_loss_context_manager():
                if labels is None:
                    inputs.pop("index", None)
                    loss, outputs = None, model(**inputs)
                else:
                    loss, outputs = self.compute_loss(model, inputs, return_outputs=True)
        finally:
            if training:
                model.train()
        if prediction_loss_only:
            return loss, None, None
        logits = getattr(outputs, "peer_logits", None)
        if logits is None:  # a script's own `compute_loss` gives something else
            logits = logits_of(outputs)[None]
        if self.model.multi_label:
            ensemble = log_odds_together(at_least_float32(logits))
            held = torch.cat([logits, ensemble[None]]) > 0
            return loss, (self._shown(ensemble, outputs, ignore_keys), held.long().movedim(0, 1).contiguous()), labels
        ensemble = ensemble_logits(logits)
        classes = torch.cat([logits.argmax(-1), ensemble.argmax(-1)[None]]).T.contiguous()
        return loss, (self._shown(ensemble, outputs, ignore_keys), classes), labels

    def _shown(self, ensemble: Tensor, outputs: Any, ignored: list[str] | None) -> Any:
        """The ensemble's logits; with what one network gives beside them a tuple, as `Trainer` makes it."""
        if ignored is None:
            ignored = getattr(self.model.config, "keys_to_ignore_at_inference", ["past_key_values"])
        further = getattr(outputs, "further", None) or {}
        beside = tuple(nested_detach(part) for name, part in further.items() if name not in ignored)
        return (ensemble, *beside) if beside else ensemble

    def evaluation_loop(self, *positional: Any, **more: Any) -> Any:
        output = super().evaluation_loop(*positional, **more)
        self.classes_seen = classes_of_all(output.predictions)
        return shown_alone(output)


def _best_of(log_probs: Tensor, given: np.ndarray) -> BestClasses:
    """Of log-probabilities [n, C] of rows given the classes int [n]."""
    table = BestClasses.empty(given, log_probs.shape[-1], logs=True)
    table[:] = log_probs.cpu().numpy()
    return table
