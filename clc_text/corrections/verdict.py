"""The verdict: whether corrections may be trusted, should be looked at first, or must not be used.

What decides, in this order: true labels where they are known, people's answers where enough rows were drawn at random,
canaries where enough were planted, otherwise only estimates. The rule:

    do not use   the run has collapsed, or those who judge have learnt nothing, or agree on fewer than half of the
                 rows; or by true labels more labels were broken than fixed, or by answers fewer are right than before
                 (the whole interval); or, where no true labels are known, a
                 class has lost nearly all of its rows, or by canaries fewer than half of the changed labels are right
                 (the whole interval below one half)
    trust        there is no warning of the run, and, where neither true labels nor answers decide, the labels do not
                 look made by a rule; and either by answers more labels are right than before (the whole
                 interval) and at most 5 % of the right ones were changed; or the changed labels are known to be right
                 in at least four of five cases (the whole interval above) while at most 5 % of the right labels were
                 changed; or there is little to correct, and true labels or answers say so
    look first   everything else: without true labels and canaries there is nothing better

There is *little to correct* where fewer than 2 % of the labels would change and nothing says that wrong ones were
missed: by canaries, that fewer than half of them are doubted; by true labels or answers, that more than 5 % are wrong;
without these, that by some reading of the views more than 10 % are, that of several classes some are at the lowest,
that the labels look made by a rule (`clc_text.evidence.rules`), or that 2 % or more look wrong, which hard texts
explain as well (`policy.CERTAIN`). A network that has memorised wrong labels finds little to correct as well, which
canaries show; and so does every network where the errors follow a rule that it learns like a class, which canaries,
errors at random, hide.
"""

from __future__ import annotations

from collections.abc import Sequence

from clc_text.artifacts.audit import (
    AnswerMetrics,
    AuditNoise,
    Basis,
    CanaryMetrics,
    Corrections,
    InferredShare,
    PlantedVotes,
    RuleShares,
    SeveralLabels,
    Share,
    ShareByAnswers,
    Trust,
    TruthMetrics,
    Verdict,
)
from clc_text.artifacts.run_files import Notice
from clc_text.corrections.asking.slips import in_words as slips_in_words
from clc_text.corrections.policy import CERTAIN
from clc_text.corrections.share_in_words import known_from_below, likeliest_in_words
from clc_text.errors import some_of
from clc_text.evidence.rules import RuleLike
from clc_text.noise.estimation.gain import NOTHING
from clc_text.noise.estimation.near_noise import TOO_FEW, too_few
from clc_text.noise.votes.one_class import rules_in_words

VERDICTS = ("trust", "look first", "do not use")
LITTLE = 0.02  # share of labels changed below which there is little to correct
PRECISION = 0.8  # of changed labels, for trust
CLEAN = 0.05  # known share of wrong labels below which a dataset counts as clean
MAY_BE_WRONG = 0.1  # of all labels, by the highest reading, above which nobody is told to leave them as they are
HALF = 0.5  # of changed labels, for any use; of wrong labels that canaries say are found, for "little to correct"
FALSE_CORRECTIONS = 0.05  # of right labels, for trust
ENOUGH_CANARIES = 30
ANYTHING = 0.9  # width of an interval of a share from which on it says nothing
UNCHECKED = (
    "neither the texts nor other labels of a row foretell a label better than the labels' shares do, so that nothing "
    "is known of how many are wrong"
)
ENOUGH_ANSWERS = 30
EMPTIED = 0.1  # of its given rows: a class with fewer left is as good as gone
FEW = 10  # given rows below which a class may come and go
NOT_NONE = 0.001  # of labels, that would be shown as 0.0 %
AGREEMENT = 0.5  # of rows, on whose class two views agree


def verdict(
    corrections: Corrections,
    noise: AuditNoise,
    canaries: CanaryMetrics | None,
    truth: TruthMetrics | None,
    notices: Sequence[Notice],
    answers: AnswerMetrics | None = None,
    several: SeveralLabels | None = None,
) -> Verdict:
    """The entry ``verdict`` of audit.json (see `clc_text.corrections.audit`), from its other entries."""
    enough = canaries is not None and canaries["planted"] >= ENOUGH_CANARIES
    told = answers if answers is not None and answers["random"] >= ENOUGH_ANSWERS and truth is None else None
    measured = canaries if enough else None
    basis: Basis = "true labels" if truth is not None else "answers" if told else "canaries" if enough else "estimates"
    share = corrections["share"]
    nothing_learnt = noise.get("nothing_learnt", False)
    clean = CLEAN * _share_that_holds(corrections)
    missed = told["right_before"]["value"] < 1 - clean if told else _missed(noise, measured, truth, clean)
    by_rule = None if truth is not None or told else noise.get("rule_like")
    told_at_once = _told_of_classes(noise)
    lowest, highest = (
        noise["interval"] if (noise.get("readings") or told_at_once) and noise["interval"] else (0.0, 0.0)
    )
    some_wrong = told_at_once and lowest > 0 and truth is None and not told
    unsure = truth is None and not told and (by_rule is not None or highest > MAY_BE_WRONG)
    hard = _as_hard_as_wrong(noise, share)
    doubtful = hard and truth is None and not told and noise["rate"] >= LITTLE
    little = share < LITTLE and not (nothing_learnt or missed or unsure or some_wrong or doubtful)
    against = _objections(None if told else measured, truth, notices, noise)
    if told and told["gain"] is not None and told["gain"]["high"] < 0:
        against.append(f"by people's answers fewer labels are right than before ({_points(told['gain'])})")
    if truth is None:
        against += _emptied(corrections)
    of_networks = [notice["message"] for notice in notices if notice["name"] == "nothing learnt"]
    by_joining = several is not None and several["join"] == "cross_fit"
    if nothing_learnt and by_joining:
        against.append(UNCHECKED)
    elif nothing_learnt:
        against += of_networks or [f"{NOTHING}, so nothing is known of the labels; choose another encoder or network"]
    warnings = [notice["message"] for notice in notices if notice["severity"] == "warning"]
    if by_joining:  # no networks were asked
        warnings = [sentence for sentence in warnings if sentence not in of_networks]
    evidence = [*answers_in_words(answers, noise, measured), *_evidence(measured, truth, noise)]
    leave = f"Little to correct: {share:.1%} of the labels would change, so leave the given labels as they are."
    if several is not None:
        leave = "The labels of all sources are joined, and hardly a joined one is doubted enough to be changed."
    trust: Trust
    if against:
        trust = "do not use"
        summary = leave if little else "Do not use these corrections: train again, or keep the given labels."
        if nothing_learnt and by_joining:
            summary = f"Nothing tells which of these labels are wrong: have some rows labelled by {_whom(several)}."
    elif little:
        trust, summary = ("trust" if basis in ("true labels", "answers") and not warnings else "look first"), leave
        if several is not None and trust == "look first":
            summary += " Look at the rows where they are least sure; another label helps most there."
    elif doubtful and not missed and by_rule is None:
        trust = "look first"
        summary = (
            f"Nothing was changed: {_rate(noise)} of the labels look wrong, and that the texts are hard explains it "
            "as well. Look at the most doubtful rows: `clc-text export` writes them, and `clc-text apply` takes the "
            "answers."
        )
    elif share < LITTLE and unsure and not missed and not some_wrong:
        trust = "look first"
        summary = (
            "Hardly a label was changed. That is right where labels are nearly clean, and is found as well where "
            f"errors follow a rule, which is learnt like a class{_at_most(highest)}. Answers to rows drawn at random "
            "tell which: `clc-text next RUN --k 50 --purpose estimate` writes them."
        )
    elif (_good_by_answers(told) if told else _good(measured, truth)) and not warnings and by_rule is None:
        trust, summary = "trust", "The corrections can be used as they are."
    elif share < LITTLE and told and missed and _slips_explain(told, clean):
        trust = "look first"
        summary = (
            f"Hardly a label was changed, and by the answers {1 - told['right_before']['value']:.1%} are wrong, which "
            f"slips in {told['slips']['most']:.0%} of the answers explain as well: look once more at the answers that "
            "are not the given label."
        )
    elif share < LITTLE and told_at_once and lowest > 0:
        trust = "look first"
        summary = (
            f"More of the labels are wrong ({_rate(noise)}) than are sure enough to be changed ({share:.1%}). Look at "
            "the most doubtful ones before you use the corrections: `clc-text export` writes them, and `clc-text "
            "apply` takes the answers."
        )
    elif share < LITTLE and several is not None:
        trust = "look first"
        summary = (
            f"More of the joined labels are wrong than the sources tell ({_known_wrong(noise, told)}): they err on "
            "the same rows. Labels by others help, first where the joined ones are least sure."
        )
    elif hard and by_rule is None:  # canaries, or true labels, say that wrong ones were missed
        trust = "look first"
        summary = (
            "Nothing was changed, but wrong labels were missed: the texts are too few or too hard to tell which they "
            "are. Have people look at a sample: `clc-text next RUN --k 50 --purpose estimate` writes one."
        )
    elif share < LITTLE:
        trust = "look first"
        summary = (
            "Hardly a label was changed, but wrong ones were missed: the networks have memorised them, or the errors "
            "follow a rule that can be learnt like a class. Have people look at a sample."
        )
    else:
        trust = "look first"
        summary = (
            "Look at the most doubtful rows before you use the corrections: `clc-text export` writes them, and "
            "`clc-text apply` takes the answers."
        )
    reasons = [*against, *evidence, *_told_wrong(noise), *([_by_rule(by_rule, noise)] if by_rule else [])]
    reasons += [sentence for sentence in warnings if sentence not in reasons]
    if several is not None and several["planted"] is not None:
        reasons.append(planted_in_words(several["planted"]))
    if several is not None and truth is None and (rules := several.get("rules", 0)):
        reasons.append(rules_in_words(rules, len(several["sources"])))
    if basis == "estimates" and several is not None:
        reasons.append(
            f"there are neither true labels nor answers to {ENOUGH_ANSWERS} random rows, so that the sources are "
            "measured by each other alone; `clc-text next RUN --k 50 --purpose estimate` writes such rows"
        )
    elif basis == "estimates":
        reasons.append(
            f"there are neither true labels nor answers to {ENOUGH_ANSWERS} random rows nor {ENOUGH_CANARIES} "
            "canaries, so nothing measures the corrections; answer what `clc-text next RUN` writes, or train with "
            "canaries: 0.02, or more of them where there are few rows, to have a measure"
        )
    if hard and not nothing_learnt:
        ahead = noise["ahead"]
        barely = f"nearly as well (noise is ahead by {ahead:.1f} standard errors, {CERTAIN:g} are asked for)"
        why = f"that texts are hard explains labels which nothing was fitted to {barely if ahead > 0 else 'as well'}"
        if too_few(sum(one["given"] for one in corrections["by_class"]), len(corrections["by_class"])):
            why = TOO_FEW
        reasons.append(
            f"{why}, so nothing is changed by default; `clc-text correct RUN --policy doubt` changes what is doubted "
            "all the same"
        )
    if not nothing_learnt:  # else the rate is a fiction
        low = "; networks judged rows that they were trained on, so the estimate may be far off" if _low(noise) else ""
        given = "given" if several is None else "joined"
        reasons.append(
            f"{_rate(noise)} of the {given} labels are estimated to be wrong, and {share:.1%} were changed{low}"
        )
    return {"trust": trust, "little_to_correct": little, "summary": summary, "reasons": reasons, "basis": basis}


def planted_in_words(planted: PlantedVotes) -> str:
    """What became of labels of single sources that were swapped on trial."""
    doubted, stood = planted["doubted"]["value"], planted["stood"]["value"]
    return (
        f"of {planted['planted']:,} labels of single sources that were swapped on trial {doubted:.0%} are doubted, "
        f"and on {stood:.0%} of these rows the joined label stayed"
    )


def _known_wrong(noise: AuditNoise, answers: AnswerMetrics | None) -> str:
    if answers is not None:
        return f"by answers to random rows {1 - answers['right_before']['value']:.1%}"
    return f"by true labels {noise['known_rate']:.1%}"


def _at_most(highest: float) -> str:
    return f": up to {highest:.0%} may be wrong" if highest > MAY_BE_WRONG else ""


def answers_in_words(answers: AnswerMetrics | None, noise: AuditNoise, canaries: CanaryMetrics | None) -> list[str]:
    """What random answers say, in a sentence, beside what was estimated without them; nothing without any."""
    if answers is None:
        return []
    before, after = answers["right_before"], answers["right_after"]
    counted = "1 answer to a row" if answers["random"] == 1 else f"{answers['random']:,} answers to rows"
    now = "" if after is None else f", {_between(after)} as corrected"
    allowed = answers["slips"]
    said = [f"by {counted} drawn at random {_between(before)} of the labels were right as given{now}"]
    said.append(slips_in_words(allowed))
    low, high = noise["interval"] or (noise["rate"],) * 2
    others = [] if noise.get("nothing_learnt") else [("the estimate", 1 - high, 1 - low)]
    precision = None if canaries is None else canaries["precision_adjusted"]
    if after is not None and precision is not None and answers.get("changed"):
        right = answers["fixed"] / answers["changed"]
        said.append(
            f"of the {answers['changed']:,} changed ones among them {right:.0%} are right now; canaries say "
            f"{precision['value']:.0%}"
        )
    for name, least, most in others:
        if before["low"] > most or before["high"] < least:
            lowest, highest = allowed["right_before"]
            slipped = "" if lowest > most or highest < least else ", unless some of them are slips"
            said.append(
                f"{name} without them said {least:.0%} to {most:.0%} right, which the answers contradict{slipped}"
            )
    return said


def _between(share: InferredShare | ShareByAnswers) -> str:
    return f"{share['value']:.1%} ({100 * share['low']:.1f} to {100 * share['high']:.1f})"


def _points(gain: InferredShare) -> str:
    return f"{100 * gain['value']:+.1f} points, {100 * gain['low']:+.1f} to {100 * gain['high']:+.1f}"


def _good_by_answers(answers: AnswerMetrics) -> bool:
    gain, before = answers["gain"], answers["right_before"]["value"]
    if gain is None:
        return False
    falsely = answers["broken"] / max(before * answers["random"], 1)
    return bool(gain["low"] > 0 and falsely <= FALSE_CORRECTIONS)


def _slips_explain(answers: AnswerMetrics, clean: float) -> bool:
    """Whether labels of which fewer are wrong than `clean` look as these do where as many answers are slips as may."""
    return answers["right_before"]["value"] >= (1 - clean) * (1 - answers["slips"]["most"])


def _whom(several: SeveralLabels | None) -> str:
    """Who is to label rows of whose labels nothing is known."""
    second = several is not None and any(int(number) > 1 for number in several["rows_by_votes"])
    return "further sources, since those there are hardly bear each other out" if second else "a second source"


def _objections(
    canaries: CanaryMetrics | None,
    truth: TruthMetrics | None,
    notices: Sequence[Notice],
    noise: AuditNoise,
) -> list[str]:
    objections = [notice["message"] for notice in notices if notice["name"] == "collapse"]
    agreement = noise.get("agreement")
    if agreement is not None and agreement < AGREEMENT:
        objections.append(
            f"the views agree on the class of {agreement:.0%} of the rows only: the encoder tells too little of these "
            "classes"
        )
    if truth is not None and truth["broken"] > truth["fixed"]:
        objections.append(f"more labels were broken ({truth['broken']:,}) than fixed ({truth['fixed']:,})")
    elif truth is None and canaries is not None:
        precision = canaries["precision_adjusted"]
        if precision is not None and precision["high"] < HALF:
            objections.append(f"by the canaries only {precision['value']:.0%} of the changed labels are right")
    return objections


def _emptied(corrections: Corrections) -> list[str]:
    """Classes that the corrections have as good as removed, in a sentence."""
    gone = [
        entry
        for entry in corrections["by_class"]
        if entry["given"] >= FEW and entry["changed"] and entry["now"] < EMPTIED * entry["given"]
    ]
    if not gone:
        return []
    named = some_of([f"'{entry['label']}' ({entry['given']:,} rows given, {entry['now']:,} left)" for entry in gone])
    return [f"hardly a row is left of {named}: a class that was taught away, rather than one that nobody meant"]


def _rate(noise: AuditNoise) -> str:
    """The estimate in words: a range, where several readings of the same evidence say different things."""
    if (noise["predictions"] == "votes" or _told_of_classes(noise)) and noise["interval"]:
        low, high = noise["interval"]
        return f"between {low:.1%} and {high:.1%} (about {noise['rate']:.1%})"
    interval = noise["interval"] if noise.get("readings") else None
    if interval is None:
        return f"{noise['rate']:.1%}"
    low, high = interval
    count = len(noise["readings"])
    if known_from_below(noise.get("told_wrong"), noise.get("rule_like")):
        return f"at least {low:.1%} (by {count} readings)"
    return f"between {low:.1%} and {high:.1%} (by {count} readings; {likeliest_in_words(noise, 1)})"


def _told_wrong(noise: AuditNoise) -> list[str]:
    """What follows from the told shares of the classes alone, in a sentence."""
    least = noise.get("told_wrong", 0.0)
    if least < NOT_NONE:
        return []
    return [f"if the classes are as common as was told, at least {least:.1%} of the given labels are wrong"]


def _by_rule(shares: RuleShares, noise: AuditNoise) -> str:
    return RuleLike(**shares).sentence(shares_told="told_wrong" in noise)


def _told_of_classes(noise: AuditNoise) -> bool:
    """Whether they are classes of which several may hold, with noise that was known before there were views."""
    return noise["predictions"] == "views" and "by_class" in noise


def _evidence(canaries: CanaryMetrics | None, truth: TruthMetrics | None, noise: AuditNoise) -> list[str]:
    """What is measured, in sentences."""
    if truth is not None:
        before, after = truth["right_before"], truth["right_after"]
        if before is None or after is None:
            return []
        return [
            f"of {truth['rows']:,} labels whose truth is known, {before['value']:.1%} were right before and "
            f"{after['value']:.1%} are now ({truth['fixed']:,} fixed, {truth['broken']:,} broken)"
        ]
    if canaries is None or canaries["found"] is None:
        return []
    found, precision = canaries["found"], canaries["precision_adjusted"]
    sentences = [f"{found['count']:,} of {found['of']:,} labels that were flipped on purpose were found"]
    if precision is not None and precision["high"] - precision["low"] < ANYTHING:
        low, high = round(100 * precision["low"]), round(100 * precision["high"])
        sentences.append(
            f"by them about {precision['value']:.0%} ({low} to {high}) of the changed labels are right, as far as "
            "wrong labels are errors at random; of errors that follow a rule canaries say nothing"
        )
    elif noise.get("interval", ()) is None:
        sentences.append(
            "what they say of the changed labels is not known, since the estimated noise rate has no interval: "
            "`clc-text audit RUN` without `--bootstrap 0` gives it one"
        )
    else:
        sentences.append(
            "what they say of the changed labels is not known: too little was changed or flipped, changes were taken "
            "back, or wrong labels are not found as canaries are"
        )
    return sentences


def _good(canaries: CanaryMetrics | None, truth: TruthMetrics | None) -> bool:
    precision: Share | InferredShare | None = None
    false_corrections: Share | InferredShare | None = None
    if truth is not None:
        precision, false_corrections = truth["precision"], truth["false_correction_rate"]
    elif canaries is not None:
        precision, false_corrections = canaries["precision_adjusted"], canaries["false_correction_rate"]
    if precision is None or false_corrections is None:
        return False
    return bool(precision["low"] >= PRECISION and false_corrections["value"] <= FALSE_CORRECTIONS)


def _share_that_holds(corrections: Corrections) -> float:
    """Among how many of the labels errors count: all, or where several classes may hold the pairs given one.

    Of sixty classes of which two hold of a text, as many may be left out as you like without 5 % of the pairs being
    wrong.
    """
    if "by_asked" not in corrections:
        return 1.0
    given = [entry["given"] for entry in corrections["by_class"]]
    return given[-1] / max(sum(given), 1)


def _missed(noise: AuditNoise, canaries: CanaryMetrics | None, truth: TruthMetrics | None, clean: float) -> bool:
    """Whether something says that wrong labels were overlooked.

    Args:
        clean: the known share of wrong labels below which a dataset counts as clean.
    """
    if truth is not None:
        return noise["known_rate"] is not None and noise["known_rate"] >= clean
    if canaries is None:
        return False
    share = canaries.get("doubted") or canaries["recall"] or canaries["found"]
    return share is not None and share["value"] < HALF


def _as_hard_as_wrong(noise: AuditNoise, share: float) -> bool:
    """Whether nothing was changed, and by default nothing is, since hard texts explain the labels as well as noise."""
    ahead = noise.get("ahead")
    return ahead is not None and ahead < CERTAIN and share == 0


def _low(noise: AuditNoise) -> bool:
    return bool(noise["predictions"] == "in sample")
