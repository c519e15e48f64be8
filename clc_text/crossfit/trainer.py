"""`NoisyLabelTrainer`: the trainer that cross-fits first, where its method or what it is to be told asks for that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import set_seed

from clc_text.artifacts.cross_fit import WITHOUT_ANSWERS, CrossFit
from clc_text.artifacts.run_files import Complete
from clc_text.crossfit.copies import first_copies_of
from clc_text.crossfit.fold_trainer import Features, MoreViews, PeersInit, cross_fit_of, peers_like, settings_of
from clc_text.crossfit.rounds import check_folds
from clc_text.data.class_shares import KEY, ClassShares
from clc_text.data.labels import sha256_of_labels
from clc_text.errors import InputError
from clc_text.methods.clc import CLC
from clc_text.models.peers import PeersModel
from clc_text.noise.estimation.gain import NOTHING
from clc_text.training.checkpoints import check_beside
from clc_text.training.fingerprint import Fingerprint, same_rows
from clc_text.training.notices import Notice
from clc_text.training.targets import distributions_of
from clc_text.training.trainer import PeersTrainer


class NoisyLabelTrainer(PeersTrainer):
    """Trains k peers on labels that are partly wrong.

    It takes what `PeersTrainer` takes, which is what `transformers.Trainer` takes and more by name, and:

    Args:
        noise_rate: ``"estimate"`` beside a number: what cross-fitting finds.
        peers_init: makes a `PeersModel` of so many peers from a seed, for methods that cross-fit; needed only where
            `model` is a `PeersModel` itself.
        cross_fit_dir: where what cross-fitting found is kept, and taken from when it is there already.
        log: told in words what is going on before the first epoch.
        views: what else tells of the rows, heard beside the networks in what `clc_auto` is taught.
        features: gives float [N, D] of the training rows, which no label has shaped, such as sentence embeddings; of
            multi-label sets, by these it is found how often classes are left out. Without them networks find little of
            that (`noise.estimation.plateau`).
        class_shares: how common the true classes are, where somebody knows it (`clc_text.ClassShares.of`); for what
            cross-fitting finds.

    Raises:
        InputError: an argument that means something else for several networks than for one, or data without what is
            needed.
    """

    def __init__(
        self,
        *positional: Any,
        noise_rate: float | str | None = None,
        peers_init: PeersInit | None = None,
        cross_fit_dir: Path | None = None,
        log: Callable[[str], None] = lambda _: None,
        views: MoreViews | None = None,
        features: Features | None = None,
        class_shares: ClassShares | None = None,
        **named: Any,
    ) -> None:
        self.estimates_rate = noise_rate == "estimate"
        if isinstance(noise_rate, str) and not self.estimates_rate:
            raise InputError(f"noise_rate is {noise_rate!r}; give a rate in [0, 1), or 'estimate'", key="noise_rate")
        self.peers_init, self.cross_fit_dir, self.log_stage, self.views = peers_init, cross_fit_dir, log, views
        self.features, self.class_shares = features, class_shares
        self.cross_fit: CrossFit | None = None
        self.without_answers: CrossFit | None = None
        """Where people have answered: what networks like these find in these rows without that; None: not known."""
        self._cross_fit_files: dict[str, str] = {}
        rate = None if isinstance(noise_rate, str) else noise_rate
        super().__init__(*positional, noise_rate=rate, **named)
        if self.cross_fits_first and self.optimizer is not None:
            raise InputError(
                "cross-fitting trains more networks, which the optimizer in optimizers does not have; give "
                "optimizer_cls_and_kwargs, or set optim and learning_rate",
                key="optimizers",
            )

    def _check_shares(self, shares: ClassShares) -> None:
        classes = self.number_of_classes()
        if self.problem.multi_label:
            raise InputError(f"{KEY} are those of one class a row, and here several may hold; leave it out", key=KEY)
        if not self.cross_fits_first:
            raise InputError(
                f"{KEY} is for what cross-fitting finds, and the method '{self.method.name}' makes none; leave it "
                "out, or take clc_auto",
                key=KEY,
            )
        if len(shares.low) != classes:
            raise InputError(f"{KEY} tells of {len(shares.low):,} classes, and there are {classes:,}", key=KEY)

    @property
    def cross_fits_first(self) -> bool:
        """Whether out-of-sample predictions are made before the training itself."""
        return self.method.cross_fits or self.estimates_rate or self.method.transition_source == "estimate"

    @property
    def rate_known(self) -> bool:
        """Whether the method will be told a noise rate, or one is estimated for it."""
        return super().rate_known or self.estimates_rate

    def check(self) -> None:
        """As `PeersTrainer.check`, and that there are enough rows to cross-fit.

        Raises:
            InputError: the method is told too little or mixes what cannot be mixed, or there are too few rows.
        """
        super().check()
        if self.cross_fits_first:
            check_folds(first_copies_of(self), settings_of(self.method))

    def make_cross_fit(self) -> CrossFit:
        """Cross-fits the training set now, with networks like this trainer's; see `cross_fit_of`. Where people have
        answered, first without their answers, unless `without_answers` has that, and then with them; of a multi-label
        set, whose noise is known beforehand, with them at once."""
        if self.trusted is None or self.problem.multi_label or self.without_answers is None:
            cross_fit = cross_fit_of(
                self,
                self.peers_init,
                self.log_stage,
                views=self.views,
                features=self.features,
                shares=self.class_shares,
            )
            if self.trusted is None or self.problem.multi_label:
                return cross_fit
            self.without_answers = cross_fit
        return cross_fit_of(
            self, self.peers_init, self.log_stage, self.without_answers, self.views, shares=self.class_shares
        )

    def more_peers(self, peers: int, seed: int) -> PeersModel:
        """A model of so many peers like this trainer's, from a seed."""
        return peers_like(self, self.peers_init)(peers, seed)

    def hyperparameter_search(self, *positional: Any, **more: Any) -> Any:
        """As `PeersTrainer.hyperparameter_search`.

        Raises:
            InputError: the method cross-fits before training, which a trial's arguments would not reach.
        """
        if self.cross_fits_first:
            raise InputError(
                "hyperparameter_search tries other arguments on each trial, but cross-fitting (clc_auto, or what is "
                "told 'estimate') is done before with one set; search with method='clc', or loop over trainers",
                key="hyperparameter_search",
            )
        return super().hyperparameter_search(*positional, **more)

    def check_files_beside(self, checkpoint: Path, complete: Complete) -> None:
        super().check_files_beside(checkpoint, complete)
        check_beside(checkpoint, complete.get("cross_fit", {}), self.cross_fit_dir, anew=True)

    def complete_facts(self) -> Complete:
        return super().complete_facts() | {"cross_fit": self._cross_fit_files}

    def before_training(self) -> None:
        super().before_training()
        if self.class_shares is not None:
            self._check_shares(self.class_shares)
        self._cross_fit_files = {}
        if self.cross_fits_first:
            self._cross_fit()

    def _cross_fit(self) -> None:
        """Out-of-sample predictions before training: soft labels for a method that learns them, and the noise rate."""
        known = self.given_labels()
        given = {"labels": sha256_of_labels(known.given)}
        if known.distribution is not None:
            given["distribution"] = sha256_of_labels(known.distribution)
        inputs = self.fingerprint(self.train_dataset)
        found = None if self.cross_fit_dir is None else CrossFit.load(self.cross_fit_dir)
        if found is not None:
            other = self._other_than_found(found, given, inputs)
            if other is not None:
                raise InputError(
                    f"what cross-fitting found in {self.cross_fit_dir} belongs to other {other} than those of the "
                    "training set; remove it, or name another folder",
                    where=self.cross_fit_dir,
                    key=other.partition(",")[0],
                )
        elif self.cross_fit is not None and self._other_than_found(self.cross_fit, given, inputs) is None:
            found = self.cross_fit  # the networks have seen the labels since then: no others could be made of them
        if found is None:
            found = self.make_cross_fit()
            found.facts["labels"] = given["labels"]
            if "distribution" in given:
                found.facts["distribution"] = given["distribution"]
            if self.trusted is not None:
                found.facts["trusted"] = self.trusted.digest
            if inputs:
                found.facts["inputs"] = inputs
            if self.cross_fit_dir is not None and self.is_world_process_zero():
                if self.without_answers is not None:
                    self.without_answers.save(self.cross_fit_dir / WITHOUT_ANSWERS)
                found.save(self.cross_fit_dir)
            # A resumed run, which finds all this done, goes on with the same generators.
        if self.cross_fit_dir is not None and self.is_world_process_zero():
            self._cross_fit_files = CrossFit.sha256_of(self.cross_fit_dir)
        set_seed(self.args.seed)
        self.cross_fit = found
        if self.estimates_rate:
            self.supervisor.state.noise_rate = found.rate_for_a_method()
        if self.method.transition_source == "estimate":
            self._given |= {"transition": torch.from_numpy(found.transition).float().to(self.args.device)}
        if self.method.cross_fits:
            targets = found.row_targets
            if self.problem.multi_label:
                targets = targets.reshape(-1, self.problem.asked, 2)
            self.supervisor.targets.distributions = distributions_of(targets, self.args.device)
            self._given |= {"cross_fit_epochs": torch.tensor(found.warm_up)}
        self.supervisor.state.memory |= self._given
        self.supervisor.notices.append(cross_fitted(found))
        if self.class_shares is not None and self.trusted is not None:
            names = [str(name) for name in self.model.config.id2label.values()]
            against = self.class_shares.contradicted(self.trusted, len(known), names)
            if against is not None:
                self.supervisor.notices.append(Notice(KEY, against, "warning"))

    def _other_than_found(self, cross_fit: CrossFit, given: dict[str, str], inputs: Fingerprint | None) -> str | None:
        """What of the training set is not as it was when it was cross-fitted, where the files say how it was."""
        if any(cross_fit.facts.get(name, mark) != mark for name, mark in given.items()):
            return "labels"
        if cross_fit.facts.get("trusted") != (None if self.trusted is None else self.trusted.digest):
            return "answers"
        shares = self.class_shares
        if cross_fit.facts.get("class_shares") != (None if shares is None else shares.ends):
            return "class shares"
        classes = 2 if self.problem.multi_label else self.problem.classes
        if classes not in (None, cross_fit.posterior.shape[1]) or self.problem.asked != (
            1 if cross_fit.each is None else len(cross_fit.each)
        ):
            return "classes"
        return None if same_rows(cross_fit.facts.get("inputs"), inputs) else "rows, or rows encoded in another way,"


class CLCTrainer(NoisyLabelTrainer):
    """`NoisyLabelTrainer` with the paper's method; `method` may be a `CLC` with other options."""

    def __init__(self, *positional: Any, **named: Any) -> None:
        named.setdefault("method", CLC())
        super().__init__(*positional, **named)


def cross_fitted(cross_fit: CrossFit) -> Notice:
    if cross_fit.learnt_nothing:
        return Notice(
            "nothing learnt",
            f"{NOTHING}, so the noise is not known, and labels that are corrected by them are guesses; choose a "
            "better encoder or a higher learning rate",
            "warning",
        )
    if votes := cross_fit.facts.get("votes"):
        by = f"by all {votes:,} labels and the texts"
        return Notice(
            "cross-fitted", f"about {cross_fit.rate:.1%} of the joined labels are expected to be wrong, {by}"
        )
    names = cross_fit.facts["renamed"]
    renamed = sum(name != index for index, name in enumerate(names))
    sentence = (
        f"about {cross_fit.rate:.0%} of the labels to train on are wrong, by networks alone that had not seen them "
        f"({cross_fit.facts['folds']} folds)"
    )
    if renamed:
        sentence += f"; {renamed} classes had been learnt under each other's names and were renamed"
    copies = cross_fit.facts.get("copies", 0)
    if copies:
        sentence += f"; {copies:,} rows are copies of another, and share its fold"
    return Notice("cross-fitted", sentence)
