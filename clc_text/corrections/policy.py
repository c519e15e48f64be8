"""Policies: by which rule a label is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clc_text.artifacts.names import EARLIER_POLICIES
from clc_text.corrections.evidence import Evidence
from clc_text.errors import InputError, nearest

SURE = 0.8  # probability of a change by the belief of one class among several, whose noise is known
# Probability of being wrong above which a label goes. Measured on seeds 0 and 10 (recipes/results/find_wrong_rows.md):
# at .5 two small sets have fewer right labels than they were given, at .6 and .7 none, and .6 gains more.
PROBABLY = 0.6
LEAST_SHARE = 0.015  # of the labels, where that is not known: as many sound ones look wrong
# Standard errors by which noise has to explain held-out labels better than hard texts do (`near_noise.NearNoise`).
# Of 263 sets of seeds 0, 1 and 10, of 400 to 8,000 rows, sound or 1 to 30 % wrong, labels got worse on 3, by at most
# .15 points; where instead 1.5 % of them had to change, on 10, by up to 6.3 (recipes/results/find_wrong_rows.md).
# Of few rows a class it is never so many (`near_noise.too_few`).
CERTAIN = 2.0


@dataclass(frozen=True)
class Policy:
    """A label is changed to the best other class where that is more probable and every condition holds.

    Attributes:
        name: what it is called.
        rival: a label that is doubted enough (`min_doubt`) has to go, even where the given class has the largest
            single share of the belief; otherwise the other class must be more probable than it.
        in_sample: the run's own networks judge, unless the user says otherwise; else those that never saw the row,
            where the run has them.
        views: several out-of-sample views judge (`clc_text.evidence`), not the networks alone; their doubt takes the
            place of the belief in the given label.
        noise_matrix: weigh the networks' prediction by the estimated noise matrix, so that a given label counts for
            as much as it deserves; otherwise the prediction alone is the belief.
        peers_agree: all peers have the same first class; of three views or more, all but one.
        room: nothing is changed where the noise that was found leaves no room for it; asked in place of agreement.
        min_confidence: least probability of the suggested class; 0: any.
        min_doubt: least probability that the given label is wrong; 0: any. Where several classes share the belief,
            this may hold although none of them has much of it.
        max_entropy: largest entropy of the prediction, in nats; "threshold": the run's own Γ; None: any.
        least_share: of all labels, that would change; fewer are all left as they are. Asked in place of `least_ahead`
            where that cannot be.
        least_ahead: nothing is changed where noise does not explain held-out labels better than hard texts alone by
            so many standard errors; 0: whatever explains them.
        ahead: by how many it does (`of_noise`); None: not known, and not asked.
    """

    name: str
    rival: bool = False
    in_sample: bool = False
    views: bool = False
    noise_matrix: bool = False
    peers_agree: bool = False
    room: bool = False
    min_confidence: float = 0.0
    min_doubt: float = 0.0
    max_entropy: float | str | None = None
    least_share: float = 0.0
    least_ahead: float = 0.0
    ahead: float | None = None

    def without_views(self) -> Policy:
        """The policy by which networks alone judge; itself where it asks for no other views."""
        if not self.views:
            return self
        usual = POLICIES[self.name]
        set_here = {name: value for name, value in self.__dict__.items() if value != getattr(usual, name)}
        return replace(POLICIES[WITHOUT_VIEWS[self.name]], **set_here)

    def of_pairs(self) -> Policy:
        """The policy where several classes may hold of a text, each a question of no and yes, whose noise was known
        before there were views (`noise.estimation.plateau`).

        The belief that this noise leaves, views weighed by the labels themselves, has to be sure enough, and the noise
        has to leave room for a change, which says more than whether all views agree, or how many labels would change.
        Measured on joined TREC questions (draws 100 and 102) and posts (101 and 102), a fifth or two fifths left out
        or a fifth flipped: 75 to 95 % of the changes right, for 60 to 88 % where all views have to agree.
        """
        if not (self.views and self.peers_agree):
            return self
        doubt = 0.0 if self.min_doubt == POLICIES[self.name].min_doubt else self.min_doubt
        return replace(
            self, rival=False, peers_agree=False, room=True, min_doubt=doubt, least_share=0.0, least_ahead=0.0,
            min_confidence=max(self.min_confidence, SURE),
        )  # fmt: skip

    def of_noise(self, ahead: float | None) -> Policy:
        """The policy with what is known of the noise: by how many standard errors it explains held-out labels better
        than predictions alone do; None: nothing."""
        if not self.least_ahead:
            return self
        return replace(self, least_ahead=0.0) if ahead is None else replace(self, ahead=ahead, least_share=0.0)

    @property
    def uncertain(self) -> bool:
        """Whether nothing is changed, since the labels do not tell for certain that any are wrong."""
        return self.ahead is not None and self.ahead < self.least_ahead

    def resolve(self, threshold: float | None) -> Policy:
        """The policy with Γ as a number.

        Raises:
            InputError: it asks for Γ and the run has none, or a number is out of range.
        """
        for option, value in (("--min-confidence", self.min_confidence), ("--min-doubt", self.min_doubt)):
            if not 0 <= value <= 1:
                raise InputError(f"{option} is {value}; give a probability from 0 to 1", key=option)
        if self.max_entropy == "threshold":
            if threshold is None:
                raise InputError(
                    f"the policy '{self.name}' needs the run's Γ as an entropy, and there is none: its method has "
                    "none, measures doubt in another way, or never left its warm-up; give --max-entropy as a number",
                    key=self.name,
                )
            return replace(self, max_entropy=threshold)
        if self.max_entropy is not None and not float(self.max_entropy) >= 0:
            raise InputError(
                f"--max-entropy is {self.max_entropy}; give an entropy in nats, at least 0", key="--max-entropy"
            )
        return self

    def doubts(self, probability_given: np.ndarray) -> np.ndarray:
        """bool [N], whether the given label of a row is doubted enough; its probability is float32 [N]."""
        doubted: np.ndarray = 1 - probability_given >= self.min_doubt
        return doubted

    def takes(self, evidence: Evidence) -> np.ndarray:
        """bool [N], the rows whose suggested class meets the conditions, more probable than the given one or not."""
        taken = (evidence.confidence >= self.min_confidence) & self.doubts(evidence.probability_given)
        if self.peers_agree or self.room:
            taken &= evidence.peers_agree
        if self.max_entropy is not None:
            taken &= evidence.entropy <= float(self.max_entropy)
        return taken

    def changes(self, evidence: Evidence, given: np.ndarray) -> np.ndarray:
        """bool [N], the rows whose given class [N] the rule changes."""
        # Earlier versions suggested the given class where it was the most probable one, and such states are read, too.
        changed: np.ndarray = (evidence.suggested != given) & self.takes(evidence)
        if not self.rival:
            changed &= evidence.confidence > evidence.probability_given
        if self.uncertain or changed.mean() < self.least_share:
            changed = np.zeros_like(changed)
        return changed

    def sentence(self, judges: str | None = None) -> str:
        """The rule in words, for people; `judges` is the `kind` of the predictions that it was applied to."""
        source = "the mixture of all views" if self.views else "the networks' prediction"
        if judges == "votes":
            source = "what all labels of a row and its text say together"
        elif self.noise_matrix:
            source += ", weighed by the estimated noise matrix,"
        conditions = []
        doubt = f"the given one is wrong with a probability of at least {self.min_doubt:g}"
        if self.peers_agree:
            of_views = "all views, or of three or more all but one, find it most probable"
            conditions.append(of_views if self.views else "all peers agree on their first class")
        if self.min_confidence > 0:
            conditions.append(f"its probability is at least {self.min_confidence:g}")
        if self.min_doubt > 0 and not self.rival:
            conditions.append(doubt)
        if self.max_entropy is not None:
            conditions.append(f"the prediction's entropy is at most {float(self.max_entropy):.3g} nats")
        if self.rival:
            rule = f"a label is changed to the most probable other class where {source} says that {doubt}"
        else:
            rule = f"a label is changed where {source} finds another class most probable"
        if conditions:
            rule += f" and {' and '.join(conditions)}"
        if self.room:
            rule += ", where the noise of the class leaves room for it"
        if self.least_share > 0 and not self.least_ahead:
            rule += f"; where that is fewer than {100 * self.least_share:g} % of all labels, none is changed"
        if self.least_ahead > 0:
            rule += (
                "; where noise does not explain held-out labels better than hard texts do, by "
                f"{self.least_ahead:g} standard errors, none is changed"
            )
            if self.ahead is not None:
                rule += f" (here {f'by {self.ahead:.1f}' if self.ahead > 0 else 'it does not'})"
        return rule

    def to_dict(self, judges: str | None = None) -> dict[str, Any]:
        return {**self.__dict__, "sentence": self.sentence(judges)}


POLICIES = {
    policy.name: policy
    for policy in (
        Policy(
            "default",
            views=True,
            rival=True,
            peers_agree=True,
            min_doubt=PROBABLY,
            least_share=LEAST_SHARE,
            least_ahead=CERTAIN,
        ),
        Policy("doubt", views=True, rival=True, min_doubt=PROBABLY),
        Policy("posterior", noise_matrix=True, peers_agree=True, min_doubt=0.75),
        Policy("targets", rival=True, in_sample=True, min_doubt=0.5),
        Policy("agree", in_sample=True, peers_agree=True),
        Policy("confidence", min_confidence=0.9),
        Policy("entropy", max_entropy="threshold"),
        Policy("strict", noise_matrix=True, peers_agree=True, min_confidence=0.95, max_entropy="threshold"),
    )
}
DEFAULT = "default"
_NOT_KEPT = ("sentence", "dissent")  # the second was of policies of earlier versions, for several classes
# What judges where no views can be had: networks that never saw the row, or those that learnt from it.
WITHOUT_VIEWS = {"default": "posterior", "doubt": "targets"}


def policy_of(values: Mapping[str, Any]) -> Policy:
    """The policy that `Policy.to_dict` gave."""
    return Policy(**{name: value for name, value in values.items() if name not in _NOT_KEPT})


def policy_named(
    name: str = DEFAULT,
    min_confidence: float | None = None,
    max_entropy: float | None = None,
    min_doubt: float | None = None,
) -> Policy:
    """A policy by its name, with other numbers where they are given."""
    name = EARLIER_POLICIES.get(name, name)
    if name not in POLICIES:
        raise InputError(f"there is no policy '{name}'{nearest(name, POLICIES)}", key=name)
    policy = POLICIES[name]
    if min_confidence is not None:
        policy = replace(policy, min_confidence=min_confidence)
    if max_entropy is not None:
        policy = replace(policy, max_entropy=max_entropy)
    if min_doubt is not None:
        policy = replace(policy, min_doubt=min_doubt)
    return policy


def policy_of_views(name: str) -> Policy:
    """A policy that rests on views, by its name.

    Raises:
        InputError: there is no such policy, or it judges by the networks of a run.
    """
    policy = policy_named(name)
    if not policy.views:
        raise InputError(
            f"the policy '{name}' judges by the networks of a run; take 'default' or 'doubt'", key="policy"
        )
    return policy
