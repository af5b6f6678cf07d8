"""What is still to happen, soonest first."""

import heapq
from collections.abc import Iterator
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


class Agenda(Generic[T]):
    """Things with their instants; two at one instant keep the order in which they were put."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, T]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, at: datetime, what: T) -> None:
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, what))

    def until(self, end: datetime) -> Iterator[tuple[datetime, T]]:
        """All before ``end``, in order, those included that are put while this goes on."""
        while self._heap and self._heap[0][0] < end:
            at, _, what = heapq.heappop(self._heap)
            yield at, what
