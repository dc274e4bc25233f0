"""One end of the cache, whose taken blocks lie together."""

from heapq import heappop, heappush


class Region:
    """Hands out the free block that is nearest to `first`, counting on in steps of `step`.

    So what is taken stays compact, and can be read in place as one range. `extent` is how
    far the region reaches, free blocks in between included.
    """

    def __init__(self, first: int, step: int) -> None:
        self._first = first
        self._step = step
        self._places: list[int] = []
        self._free: set[int] = set()
        self.extent = 0

    @property
    def has_gap(self) -> bool:
        """Whether the next block comes from within the extent."""
        return bool(self._free)

    def take(self) -> int:
        """The caller sees to it that the extent may grow, where there is no gap."""
        while self._free:
            place = heappop(self._places)
            # One that left the extent, and was taken again by growing, is still in the heap.
            if place in self._free:
                self._free.remove(place)
                return self._first + self._step * place
        self.extent += 1
        return self._first + self._step * (self.extent - 1)

    def put(self, block: int) -> None:
        place = (block - self._first) * self._step
        self._free.add(place)
        heappush(self._places, place)
        while self.extent - 1 in self._free:
            self.extent -= 1
            self._free.remove(self.extent)
