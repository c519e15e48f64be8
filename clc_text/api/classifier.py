"""A classifier with scikit-learn's interface that learns from labels which are partly wrong."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from clc_text.config.length import enough_epochs
from clc_text.data.tabular.values import missing
from clc_text.errors import InputError
from clc_text.noise.estimation.gain import NOTHING
from clc_text.text.encoders.lexical.weighting import terms_of

BATCHES = 8  # of an epoch at least
ROWS = 8192  # that are predicted at once


class NoisyLabelClassifier(ClassifierMixin, BaseEstimator):
    """Perceptrons side by side, trained by one of this package's methods on features or on texts.

    Args:
        method: the name of a method, or one with its options (`clc_text.methods.clc.CLC(...)`). The default,
            ``"clc_auto"``, needs neither clean labels nor the noise rate.
        hidden: widths of the hidden layers.
        epochs: passes over the rows; None: between 10 and 60, fewer for more rows.
        batch_size: rows of a step; fewer where there are not eight times as many.
        learning_rate: of Adam.
        noise_rate: what a method that needs the rate is told: a number, or ``"estimate"``, by cross-fitting.
        encoder: of texts: the name of an encoder (``"auto"``: a sentence encoder that is on this machine, else
            ``"tfidf"``), or one with its options. Features are taken as they are; they should be of one scale.
        random_state: of weights, folds and the order of rows; None draws one.
        class_shares: how common the true classes of the rows are, where you know it, for a method that cross-fits:
            ``"even"``, or of some classes a share, or a range ``(0.1, 0.3)``.

    Attributes:
        classes_: [C], the classes, sorted.
        n_features_in_: D, where features were given.
        noise_rate_: float, 0 … 1, the share of wrong labels by cross-fitting; None where the method makes none, or
            where its networks learn nothing that it could follow from, of which `fit` then warns.
        transition_: float64 [C, C], the noise matrix; row = true class; or None.
        labels_: [N], what the rows' labels are believed to be: the given ones, where nothing else is known.

    Source: the interface is that of Buitinck et al., "API design for machine learning software", 2013.
    """

    def __init__(
        self,
        method: Any = "clc_auto",
        *,
        hidden: Sequence[int] = (300,),
        epochs: int | None = None,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        noise_rate: float | str | None = None,
        encoder: Any = "auto",
        random_state: Any = None,
        class_shares: Literal["even"] | Mapping[Any, Any] | None = None,
    ) -> None:
        self.method = method
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.noise_rate = noise_rate
        self.encoder = encoder
        self.random_state = random_state
        self.class_shares = class_shares

    def fit(self, X: Any, y: Any) -> NoisyLabelClassifier:
        """Learns from features [N, D] or N texts, and their given labels [N].

        Raises:
            InputError: an option that cannot be, fewer than two classes, or too few rows to cross-fit.
            ValueError: what scikit-learn refuses: shapes that do not fit, missing or infinite numbers.
        """
        import torch

        from clc_text.data.rows import Rows

        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._check_numbers()
        texts = as_texts(X)
        all_labelled(y)
        if texts is None:
            X, y = validate_data(self, X, y, dtype=np.float32, y_numeric=False)
        else:
            y = np.asarray(y)
            if len(y) != len(texts) or y.ndim != 1:
                raise InputError(f"there are {len(texts):,} texts and labels of the shape {y.shape}: one a text")
        check_classification_targets(y)
        self.classes_, given = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError("the labels have one class only; a classifier needs two")
        if texts is not None:
            self.encoder_ = self._encoder(texts).fit(texts, [], seed)
        inputs = {"features": torch.from_numpy(np.ascontiguousarray(X))} if texts is None else self._encoded(texts)
        rows = Rows(inputs, torch.from_numpy(given.astype(np.int64)))
        self.network_, cross_fit = self._trained(rows, texts, seed)
        if cross_fit is not None and cross_fit.learnt_nothing:
            warnings.warn(
                f"{NOTHING}, so the noise is not known, and labels_ are the given ones; bring the features to one "
                "scale, take better ones, or raise learning_rate",
                UserWarning,
                stacklevel=2,
            )
            cross_fit = None
        self.noise_rate_ = None if cross_fit is None else float(cross_fit.rate)
        self.transition_ = None if cross_fit is None else cross_fit.transition
        self.labels_ = np.asarray(y if cross_fit is None else self.classes_[cross_fit.posterior.argmax(1)])
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """float64 [n, C], the peers' mean probability of every class, in the order of `classes_`."""
        import torch

        check_is_fitted(self)
        texts = as_texts(X)
        if hasattr(self, "encoder_") and isinstance(X, (list, tuple)) and not X:
            raise InputError("X holds no text; give at least one", key="X")
        if (texts is not None) != hasattr(self, "encoder_"):
            raise InputError("texts are wanted where texts were learnt from, and features where those were")
        if texts is None:
            X = validate_data(self, X, dtype=np.float32, reset=False)
            inputs = {"features": torch.from_numpy(np.ascontiguousarray(X))}
        else:
            inputs = self._encoded(texts)
        probs = np.empty((len(inputs["features"]), len(self.classes_)))
        device = next(self.network_.parameters()).device
        with torch.inference_mode():
            for start in range(0, len(probs), ROWS):
                part = {name: values[start : start + ROWS].to(device) for name, values in inputs.items()}
                logits = self.network_(**part).peer_logits.double()
                probs[start : start + ROWS] = self.network_.mean_probs(logits).cpu().numpy()
        return probs / probs.sum(1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """[n], the most probable classes."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(1)])

    def _check_numbers(self) -> None:
        """What is counted with before whatever trains could refuse it."""
        for name, value in (("epochs", self.epochs), ("batch_size", self.batch_size)):
            if not (isinstance(value, Real) or (name == "epochs" and value is None)):
                raise InputError(f"{name} is {value!r:.60}; give a whole number", key=name)
        if not isinstance(self.hidden, (Sequence, np.ndarray)) or isinstance(self.hidden, str):
            raise InputError(
                f"hidden is {self.hidden!r:.60}; give the width of each hidden layer, such as (300,)", key="hidden"
            )

    def _encoder(self, texts: list[str]) -> Any:
        from clc_text.text.encoders.base import encoder

        chosen = encoder.get(self.encoder)() if isinstance(self.encoder, str) else self.encoder
        return chosen.settle(texts)[0]

    def _encoded(self, texts: list[str]) -> dict[str, Any]:
        return dict(self.encoder_.encode(texts))

    def _trained(self, rows: Any, texts: list[str] | None, seed: int) -> tuple[Any, Any]:
        """The trained peers, and what cross-fitting found, where it was made."""
        from transformers import PrinterCallback

        from clc_text.crossfit.trainer import NoisyLabelTrainer
        from clc_text.data.class_shares import ClassShares
        from clc_text.text.networks.mlp import MLP
        from clc_text.training.arguments import NoisyLabelArguments
        from clc_text.training.trainer import as_method
        from clc_text.utils.generators import untouched_generators

        chosen = as_method(self.method)
        network = MLP(hidden=list(self.hidden))
        names = [str(name) for name in self.classes_]
        told = self.class_shares
        count = len(rows)
        batch = min(self.batch_size, max(1, count // BATCHES))
        epochs = enough_epochs(count) if self.epochs is None else self.epochs
        peers = chosen.default_peers

        def views(cross_fit: Any, labels: Any) -> np.ndarray | None:
            from clc_text.evidence.pool_of_views import pool_of_views

            frozen = rows.inputs["features"] if texts is None else self.encoder_.frozen(texts)
            words = None if texts is None else terms_of(texts)
            return pool_of_views(frozen.float().numpy(), words, labels, cross_fit, seed)

        with untouched_generators(), tempfile.TemporaryDirectory(prefix="clc-text-") as folder:
            arguments = NoisyLabelArguments(
                output_dir=str(Path(folder) / "trainer"),
                num_train_epochs=epochs,
                per_device_train_batch_size=batch,
                learning_rate=self.learning_rate,
                seed=seed,
                data_seed=seed,
                save_strategy="no",
                logging_strategy="no",
                report_to=[],
                disable_tqdm=True,
            )
            trainer = NoisyLabelTrainer(
                network.build(rows.inputs, names, peers, seed),
                arguments,
                method=chosen,
                train_dataset=rows,
                noise_rate=self.noise_rate,
                peers_init=lambda peers, seed: network.build(rows.inputs, names, peers, seed),
                views=views,
                class_shares=None if told is None else ClassShares.of(told, self.classes_.tolist()),
            )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
        return trainer.model.eval(), trainer.cross_fit


def all_labelled(labels: Any) -> None:
    """Raises: InputError: a label is missing; of an array of numbers scikit-learn says so."""
    if not isinstance(labels, (list, tuple)):
        labels = np.asarray(labels)
        if labels.ndim != 1 or labels.dtype.kind != "O":
            return
    row = next((row for row, one in enumerate(labels) if missing(one)), None)  # NumPy makes a class "nan" of them
    if row is not None:
        raise InputError(f"row {row} of y has no label; leave such rows out", key="y", row=row)


def as_texts(values: Any) -> list[str] | None:
    """N texts, where one-dimensional values hold such; None: they are something else."""
    if isinstance(values, str):
        raise InputError("X is one text; give a list of texts", key="X")
    if hasattr(values, "to_list") and getattr(values, "ndim", 1) == 1:
        values = values.to_list()
    if isinstance(values, np.ndarray):
        values = values.tolist() if values.ndim == 1 and values.dtype.kind in "UO" else None
    elif getattr(values, "ndim", 1) == 2 and hasattr(values, "columns") and len(values.columns) == 1:
        only = values.columns[0]
        if as_texts(values[only]) is not None:
            raise InputError(
                f"X is a table with a column of texts, {str(only)[:60]!r}; give the column alone, such as "
                f"X[{str(only)[:60]!r}]",
                key="X",
            )
    if not isinstance(values, (list, tuple)) or not any(isinstance(one, str) for one in values):
        return None
    for row, one in enumerate(values):
        if not isinstance(one, str):
            raise InputError(f"row {row} of X is no text: {str(one)[:60]!r}", key="X", row=row)
    return list(values)
