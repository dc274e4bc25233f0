"""Who takes part in the next step. Plain Python: it knows blocks and counts, no tensors."""

from collections import deque

from worker.engine.block_pool import BlockPool, num_blocks_of
from worker.engine.errors import PromptRefused
from worker.engine.plan import Chunk, Plan
from worker.engine.prefix_tree import BLOCK
from worker.engine.sequences import Request, Sequence


class Scheduler:
    """First come, first served, at the level of steps.

    A request waits, is opened (it has blocks for its prompt), and closed when all its
    candidates are over. Each candidate runs as soon as the prompt is computed and there is
    a row for it. Nobody is opened before all candidates of the one before have begun, and
    an output's blocks are reserved at its longest, so who runs never waits for room.
    """

    def __init__(
        self, *, num_blocks: int, max_readers: int, max_rows: int, max_chunk_tokens: int
    ) -> None:
        self._pool = BlockPool(num_blocks, max_readers)
        self._max_rows = max_rows
        self._max_chunk_tokens = max_chunk_tokens
        self._waiting: deque[Request] = deque()
        self._opening: Request | None = None
        # Whether the output's blocks of its first row are reserved, and the row has not begun.
        self._has_spare = False
        self._rows: dict[Sequence, None] = {}
        self._slots = list(range(max_rows))
        self._num_steps = 0

    @property
    def is_busy(self) -> bool:
        return bool(self._waiting or self._opening or self._rows)

    def add(self, request: Request) -> None:
        """Raises PromptRefused where even the empty cache has no room for it."""
        needed = num_blocks_of(request.num_prefill) + num_blocks_of(request.max_tokens)
        if needed > self._pool.capacity:
            raise PromptRefused(
                f"a prompt of {len(request.prompt_ids)} tokens and an output of "
                f"{request.max_tokens} don't fit the cache of {self._pool.capacity * BLOCK} "
                "tokens: ask for fewer, or raise token_budget (on a GPU, free some of its memory)"
            )
        self._waiting.append(request)

    def schedule(self) -> Plan:
        """The next step: a token for each running row, then as much of prompts as fits."""
        self._num_steps += 1
        plan = Plan()
        self._join([row for row in self._rows if not row.is_drawn_out], plan)
        if self._opening is not None:
            self._advance(self._opening, plan)
        while self._can_open(plan):
            self._opening = self._waiting.popleft()
            self._open(self._opening, plan)
            self._advance(self._opening, plan)
        return plan

    def finish(self, row: Sequence) -> None:
        """A row is over: its blocks are free, and its request's with the last of its rows."""
        self._stop(row)
        if row.request.is_complete:
            self._close(row.request)

    def drop(self, request: Request) -> list[int]:
        """Forget a request wherever it stands; returns the blocks that are free now."""
        freed = [block for row in request.sequences for block in row.blocks]
        for row in request.sequences:
            if row.is_running:
                self._stop(row)
        if request.is_open:
            return freed + self._close(request)
        self._waiting = deque(each for each in self._waiting if each is not request)
        return freed

    def drop_with_readers(self, request: Request) -> None:
        """Drop one whose prompt was not computed; who shares what is missing starts anew."""
        missing = {*request.blocks[request.num_prefilled // BLOCK :]}
        self.drop(request)
        others = {row.request for row in self._rows} | {self._opening} - {None}
        for other in others:
            if other is not None and missing & {*other.blocks}:
                self.requeue(other)

    def requeue(self, request: Request) -> None:
        """Start a request anew, before all that wait; the same tokens come again."""
        self.drop(request)
        for row in request.sequences:
            if row.finish_reason is None:
                row.restart()
        self._waiting.appendleft(request)

    def halve(self) -> bool:
        """Admit half of what ran; False where it can't be less."""
        num_rows = min(self._max_rows, len(self._rows))
        is_least = num_rows <= 1 and self._max_chunk_tokens <= BLOCK
        if num_rows > 1:  # otherwise it was the prompt's chunk alone
            self._max_rows = num_rows // 2
        self._max_chunk_tokens = max(BLOCK, self._max_chunk_tokens // 2)
        return not is_least

    def _can_open(self, plan: Plan) -> bool:
        if self._opening is not None or not self._waiting:
            return False
        request = self._waiting[0]
        has_row = len(self._rows) < self._max_rows
        return has_row and self._pool.has_room(
            num_blocks_of(request.num_prefill), num_blocks_of(request.max_tokens)
        )

    def _open(self, request: Request, plan: Plan) -> None:
        self._pool.reserve(num_blocks_of(request.max_tokens))
        self._has_spare = True
        request.num_readers = min(request.sampling.n, self._max_rows)
        opened = self._pool.open(request.prompt_ids[:-1], request.num_readers, self._num_steps)
        request.blocks, request.num_prefilled = opened.blocks, opened.num_known
        plan.opened.append((request, opened.copies))

    def _advance(self, request: Request, plan: Plan) -> None:
        start = request.num_prefilled
        end = min(request.num_prefill, start + self._max_chunk_tokens - plan.num_chunk_tokens)
        if end > start:
            plan.chunks.append(Chunk(request, start, end))
            written = request.blocks[start // BLOCK : num_blocks_of(end)]
            self._pool.note_written(written, self._num_steps)
            request.num_prefilled = end
        if end == request.num_prefill:
            self._start_rows(request, plan)
        if not request.has_more:
            self._opening = None

    def _start_rows(self, request: Request, plan: Plan) -> None:
        num_blocks = num_blocks_of(request.max_tokens)
        for row in request.sequences:
            if row.is_running or row.is_over:
                continue
            if len(self._rows) >= self._max_rows:
                return
            if not self._has_spare:
                if not self._pool.has_room(0, num_blocks):
                    return
                self._pool.reserve(num_blocks)
            self._has_spare = False
            self._rows[row] = None
            row.slot = self._slots.pop()
            self._join([row], plan)

    def _join(self, rows: list[Sequence], plan: Plan) -> None:
        for row in rows:
            if row.num_drawn >= BLOCK * len(row.blocks):
                row.blocks.append(self._pool.take_output())
        plan.rows += rows

    def _stop(self, row: Sequence) -> None:
        del self._rows[row]
        self._slots.append(row.slot)
        for block in row.blocks:
            self._pool.put_output(block)
        row.blocks = []
        self._pool.reserve(-num_blocks_of(row.max_tokens))

    def _close(self, request: Request) -> list[int]:
        is_computed = request.num_prefilled == request.num_prefill
        num_computed = len(request.blocks) if is_computed else request.num_prefilled // BLOCK
        freed = self._pool.close(request.blocks, request.num_readers, num_computed)
        request.blocks, request.num_readers = [], 0
        if self._opening is request:
            self._opening = None
            if self._has_spare:
                self._has_spare = False
                self._pool.reserve(-num_blocks_of(request.max_tokens))
        return freed
