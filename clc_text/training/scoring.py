"""What an evaluation says of k peers: the ensemble's logits for the user's metrics, and every peer's accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from torch import Tensor
from transformers import EvalPrediction
from transformers.trainer_utils import EvalLoopOutput, default_compute_objective

from clc_text.artifacts.multi_label import f1_micro, multi_label_scores


class Scores:
    """Stands between `Trainer` and the user's two functions.

    Inside `Trainer` a prediction is the pair (what the user's functions see, as of an ordinary model; classes
    [N, P + 1] of the peers and of the ensemble; where several may hold [N, P + 1, C], whether each does). They see the
    ensemble's logits [N, C], or the tuple of these and what else one network gives.

    Args:
        compute_metrics: the user's; the accuracies of the peers are put beside what it gives.
        preprocess: the user's `preprocess_logits_for_metrics`.
        by_batch: `batch_eval_metrics`: the user's function then sees one batch at a time, and no accuracies are added.
    """

    def __init__(
        self,
        compute_metrics: Callable[..., dict[str, Any]] | None,
        preprocess: Callable[[Tensor, Tensor], Tensor] | None,
        by_batch: bool,
    ) -> None:
        self.compute_metrics, self.user_preprocess, self.by_batch = compute_metrics, preprocess, by_batch
        self.added: set[str] = set()  # what was put beside the user's metrics

    def preprocess(self, logits: tuple[Any, Tensor], labels: Tensor) -> tuple[Any, Tensor]:
        seen, classes = logits
        return (seen if self.user_preprocess is None else self.user_preprocess(seen, labels)), classes

    def __call__(self, prediction: EvalPrediction, compute_result: bool = True) -> dict[str, Any]:
        pairs, labels = prediction.predictions, prediction.label_ids
        if isinstance(pairs, list):  # `eval_do_concat_batches` is off: one pair a batch
            shown: Any = [pair[0] for pair in pairs]
            classes, truth = np.concatenate([pair[1] for pair in pairs]), np.concatenate(labels)
        else:
            (shown, classes), truth = pairs, labels
        seen = EvalPrediction(shown, labels, prediction.inputs, prediction.losses)
        if self.by_batch:
            return {} if self.compute_metrics is None else self.compute_metrics(seen, compute_result=compute_result)
        metrics = {} if self.compute_metrics is None else dict(self.compute_metrics(seen))
        if classes.ndim == 3:
            added = {} if self.user_preprocess is not None else multi_label_scores(_logits(shown), truth)
            added |= {
                f"f1_micro_peer_{peer}": f1_micro(classes[:, peer], truth) for peer in range(classes.shape[1] - 1)
            }
            self.added |= added.keys()
            return added | metrics
        if np.ndim(truth) == 2:
            truth = truth.argmax(-1)
        added = {f"accuracy_peer_{peer}": float((each == truth).mean()) for peer, each in enumerate(classes.T[:-1])}
        own = not {"accuracy", "eval_accuracy", "test_accuracy"}.isdisjoint(
            metrics
        )  # with or without `Trainer`'s prefix
        if self.user_preprocess is None and not own:
            added["accuracy"] = float((_logits(shown).argmax(-1) == truth).mean())
        self.added |= added.keys()
        return metrics | added

    def objective(self, metrics: dict[str, float], sets: Iterable[str] = ()) -> float:
        """What a search for hyperparameters goes by unless told: as of a stock `Trainer`, which adds no accuracies.

        Args:
            metrics: of an evaluation, with `Trainer`'s prefix.
            sets: the names of the evaluation sets, where there are several.
        """
        prefixes = ["eval_", *(f"eval_{name}_" for name in sets)]
        ours = {prefix + name for prefix in prefixes for name in self.added}
        return default_compute_objective({name: value for name, value in metrics.items() if name not in ours})


def _logits(shown: Any) -> np.ndarray:
    """[N, C], of a list of batches, or of all rows already."""
    batches = shown if isinstance(shown, list) else [shown]
    return np.concatenate([batch[0] if isinstance(batch, tuple) else batch for batch in batches])


def classes_of_all(predictions: Any) -> np.ndarray | None:
    """int [N, P + 1] of what `Trainer` has gathered; None where it kept nothing."""
    pairs = predictions if isinstance(predictions, list) else [predictions]
    if not pairs or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        return None
    classes = np.concatenate([pair[1] for pair in pairs])
    return classes if classes.ndim == 2 else classes.transpose(0, 2, 1).reshape(-1, classes.shape[1])


def shown_alone(output: EvalLoopOutput) -> EvalLoopOutput:
    """What a caller of `Trainer.predict` gets: the ensemble's logits, and what one network gives beside them."""
    predictions = output.predictions
    if isinstance(predictions, tuple):
        return output._replace(predictions=predictions[0])
    if isinstance(predictions, list) and predictions and isinstance(predictions[0], tuple):
        return output._replace(predictions=[pair[0] for pair in predictions])  # eval_do_concat_batches is off
    return output
