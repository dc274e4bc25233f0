"""What one forward pass computes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from worker.engine.block_pool import Copy
from worker.engine.sequences import Request, Sequence


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens `start` to `end` of a prompt."""

    request: Request
    start: int
    end: int


@dataclass(slots=True)
class Plan:
    """Rows read one token each and draw the next; chunks are parts of prompts.

    `opened` are the requests that got their blocks in this step, with what is to be copied.
    """

    rows: list[Sequence] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    opened: list[tuple[Request, list[Copy]]] = field(default_factory=list)

    @property
    def num_chunk_tokens(self) -> int:
        return sum(chunk.end - chunk.start for chunk in self.chunks)

    @property
    def copies(self) -> list[Copy]:
        return [copy for _, copies in self.opened for copy in copies]

    @property
    def beginners(self) -> list[Request]:
        """Whose prompt is not computed before this step."""
        takers = [chunk.request for chunk in self.chunks] + [request for request, _ in self.opened]
        return list(dict.fromkeys(takers))

    @property
    def requests(self) -> list[Request]:
        """All that take part, after those that compute what they share."""
        return list(dict.fromkeys([*self.beginners, *(row.request for row in self.rows)]))

    def leave_out_ended(self) -> None:
        """Rows that ended after it was made."""
        self.rows = [row for row in self.rows if row.is_running]

    def undo(self) -> None:
        """None of it was computed."""
        for chunk in self.chunks:
            chunk.request.num_prefilled = chunk.start
        for request, _ in self.opened:
            request.num_prefilled = 0

    def of(self, is_in: Callable[[Request], bool]) -> "Plan":
        """The part that concerns some of the requests."""
        return Plan(
            [row for row in self.rows if is_in(row.request)],
            [chunk for chunk in self.chunks if is_in(chunk.request)],
            [each for each in self.opened if is_in(each[0])],
        )
