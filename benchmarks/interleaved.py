"""Speeds compared so that a busy machine cannot fool the comparison.

The contestants stand still and take turns: each makes one short slice of its steps, again and again, in an order that
alternates, within one process. A neighbour that comes or goes slows the slices of a round alike, and the ratio of two
contestants is taken within each round. Of the ratios the median is told, with an interval of it that needs no
distribution (order statistics; David & Nagaraja, "Order Statistics", 2003, section 7.1). Both clocks are read: the
processor's time of this process, which does not run while a neighbour computes, and the time on the wall.
"""

from __future__ import annotations

import math
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Clock = Callable[[], tuple[float, float]]
"""Seconds of this process's processor time, and of the wall."""

Verdict = Literal["holds", "fails", "cannot tell"]


def seconds() -> tuple[float, float]:
    """Both clocks; processor time is that of all threads of this process."""
    return time.process_time(), time.perf_counter()


@dataclass(frozen=True)
class Slice:
    """What one slice took, in seconds."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Ratio:
    """A median of ratios, and the interval that has it with the confidence asked for."""

    median: float
    low: float
    high: float

    def verdict(self, bar: float) -> Verdict:
        """Whether the ratio is at least `bar`, as far as the interval can tell."""
        if self.low >= bar:
            return "holds"
        return "fails" if self.high < bar else "cannot tell"


def interleave(
    contestants: Mapping[str, Iterator[None]], rounds: int, clock: Clock = seconds, warm_up: int = 1
) -> tuple[dict[str, Slice], dict[str, list[Slice]]]:
    """Lets contestants take turns.

    Args:
        contestants: each makes its preparations when it is first asked, and a slice each time after.
        rounds: slices of each that count.
        clock: read before and after each slice.
        warm_up: slices of each that do not count, before those.

    Returns:
        What each one's preparations took, and its slices, `rounds` of each.
    """
    names = list(contestants)
    start: dict[str, Slice] = {}
    found: dict[str, list[Slice]] = {name: [] for name in names}
    for number in range(-1 - warm_up, rounds):
        at = (number + 1 + warm_up) % len(names)
        order = names[at:] + names[:at]
        for name in order if number % 2 else reversed(order):
            before = clock()
            next(contestants[name])
            after = clock()
            took = Slice(after[0] - before[0], after[1] - before[1])
            if number == -1 - warm_up:
                start[name] = took
            elif number >= 0:
                found[name].append(took)
    return start, found


def ratio(times: Sequence[float], others: Sequence[float], confidence: float = 0.95) -> Ratio:
    """How many times as fast as the other a contestant is: of its slices' times and the other's of the same rounds.

    The interval reaches from one order statistic of the ratios to another, and from 0 to infinity where there are too
    few rounds for the confidence.
    """
    ratios = sorted(other / own for own, other in zip(times, others, strict=True))
    left_out = _left_out(len(ratios), confidence)
    if not left_out:
        return Ratio(statistics.median(ratios), 0.0, math.inf)
    return Ratio(statistics.median(ratios), ratios[left_out - 1], ratios[-left_out])


def _left_out(count: int, confidence: float) -> int:
    """k, where the median of a distribution lies between the k-th smallest and k-th largest of `count` draws with at
    least the confidence; 0: nowhere between them."""
    tail, k = 0.0, 0
    while k < count / 2:
        tail += math.comb(count, k) / 2**count
        if 2 * tail > 1 - confidence:
            break
        k += 1
    return k


class Over(Exception):
    """Ends a training that stands still, from inside."""


def in_turns(train: Callable[[Callable[[], None]], None]) -> Iterator[None]:
    """A contestant of a training that calls a function at the end of its preparations and of each slice.

    The training runs in a thread of its own and stands still there while others have their turn. When the iterator is
    closed, that function raises `Over` in it.

    Raises:
        Whatever the training raises; RuntimeError where it ends before its time.
    """
    mine, theirs = threading.Semaphore(0), threading.Semaphore(0)
    closed, raised = threading.Event(), list[BaseException]()

    def pause() -> None:
        theirs.release()
        mine.acquire()
        if closed.is_set():
            raise Over

    def run() -> None:
        mine.acquire()
        try:
            if not closed.is_set():
                train(pause)
                raise RuntimeError("the training ended before all its slices were made")
        except Over:
            pass
        except BaseException as error:
            raised.append(error)
        finally:
            theirs.release()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while True:
            mine.release()
            theirs.acquire()
            if raised:
                raise raised[0]
            yield
    finally:
        closed.set()
        mine.release()
        thread.join()
