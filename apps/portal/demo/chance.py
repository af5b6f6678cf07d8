"""Chance that is the same each time: named streams of one seed. No hash order, no clock."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance(random.Random):
    """A stream of draws, such as ``Chance(7, "deals")``. Streams do not disturb one another."""

    def __new__(cls, *_: object) -> "Chance":
        return super().__new__(cls)

    def __init__(self, seed: int, name: str) -> None:
        # A text seed is hashed by ``random`` itself, alike in every process and version.
        super().__init__(f"{seed}/{name}")

    def happens(self, share: float) -> bool:
        return self.random() < share

    def about(self, median: float, spread: float = 0.5) -> float:
        """Around ``median``, never below zero, with a long upper tail (log-normal)."""
        return median * math.exp(self.gauss(0.0, spread))

    def pick(self, weights: Mapping[T, float]) -> T:
        """One key, by weight."""
        return self.choices(list(weights), weights=list(weights.values()))[0]

    def one_of(self, options: Sequence[T]) -> T:
        return options[int(self.random() * len(options))]

    def times(self, expected: float) -> int:
        """How often something happens that is expected ``expected`` times (Poisson)."""
        if expected > 30:
            return max(0, round(self.gauss(expected, math.sqrt(expected))))
        limit, product, count = math.exp(-expected), self.random(), 0
        while product > limit:
            product *= self.random()
            count += 1
        return count
