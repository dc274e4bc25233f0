"""The cache's blocks: which hold prompts, which hold outputs, and which are free."""

from collections import OrderedDict
from dataclasses import dataclass, field

from worker.engine.prefix_tree import BLOCK, Node, PrefixTree, Tokens
from worker.engine.region import Region

MIN_IDLE = 16
"""Blocks of ended prompts that are kept, however few are in use."""


@dataclass(frozen=True, slots=True)
class Copy:
    """The first `num_tokens` of a block, computed in an earlier step, that another begins with."""

    source: int
    target: int
    num_tokens: int


@dataclass(slots=True)
class Opened:
    """Blocks for a prompt, how many of its tokens they hold once `copies` are made."""

    blocks: list[int] = field(default_factory=list)
    num_known: int = 0
    copies: list[Copy] = field(default_factory=list)


def num_blocks_of(num_tokens: int) -> int:
    return -(-num_tokens // BLOCK)


class BlockPool:
    """Prompts take blocks from the low end, outputs from the high one. Block 0 is nobody's.

    Prompts that begin alike share their first blocks. Those of an ended prompt stay for
    whoever begins with them, the least recently used going first: at most an eighth of those
    as are in use, so that what attention reads in place is not mostly idle.
    """

    def __init__(self, num_blocks: int, max_readers: int) -> None:
        self._max_readers = max_readers
        self.capacity = num_blocks - 1
        self._prompts = Region(1, 1)
        self._outputs = Region(num_blocks - 1, -1)
        self._tree = PrefixTree()
        self._num_readers: dict[int, int] = {}
        self._idle: OrderedDict[int, None] = OrderedDict()
        self._num_reserved = 0

    def has_room(self, num_prompt: int, num_output: int) -> bool:
        """Whether that many blocks more are there, also for outputs that are still short."""
        if self._fits(num_prompt, num_output):
            return True
        if len(self._num_readers) + num_prompt + self._num_high(num_output) > self.capacity:
            # What is kept is not what stands in the way.
            return False
        while self._idle:
            self._evict()
        return self._fits(num_prompt, num_output)

    def reserve(self, num_output: int) -> None:
        """Keep blocks for an output at its longest; a negative number gives them back."""
        self._num_reserved += num_output

    def take_output(self) -> int:
        """One of the blocks that were reserved."""
        return self._outputs.take()

    def put_output(self, block: int) -> None:
        self._outputs.put(block)

    def open(self, tokens: Tokens, num_readers: int, step: int) -> Opened:
        """Blocks for the tokens of a prompt that `num_readers` rows will read.

        What an earlier prompt computed is shared; a block with too many readers, and one
        that begins alike and goes on differently, is copied.
        """
        opened = Opened()
        node = self._tree.root
        # Lazily, because taking a block may evict one that would match later.
        for match in self._tree.match(tokens):
            others = self._num_readers.get(match.block, 0)
            if not others or others + num_readers <= self._max_readers:
                self._share(match.block, num_readers)
            elif match.written_at < step:
                # The source has readers, so what it holds stays until the copy is made.
                source, target = match.block, self._take(num_readers)
                opened.copies.append(Copy(source, target, len(match.tokens)))
                self._tree.add(node, match.tokens, target, step)
            else:
                break
            opened.blocks.append(match.block)
            node = match
        opened.num_known = min(len(tokens), len(opened.blocks) * BLOCK)
        self._open_rest(opened, node, tokens[opened.num_known :], num_readers, step)
        return opened

    def note_written(self, blocks: list[int], step: int) -> None:
        """Nothing is copied of these blocks before that step is over."""
        self._tree.note_written(blocks, step)

    def close(self, blocks: list[int], num_readers: int, num_computed: int) -> list[int]:
        """Give back a prompt's blocks, of which the first `num_computed` hold what they should.

        Returns the blocks that are free now; the others are kept, or have other readers.
        """
        for block in blocks[num_computed:]:
            self._forget(block)
        freed = []
        # The last first, so that the beginnings, which more prompts share, stay longest.
        for block in reversed(blocks):
            self._num_readers[block] -= num_readers
            if self._num_readers[block]:
                continue
            del self._num_readers[block]
            if block in self._tree:
                self._idle[block] = None
            else:
                self._prompts.put(block)
                freed.append(block)
        return freed

    def _open_rest(
        self, opened: Opened, node: Node, tokens: Tokens, num_readers: int, step: int
    ) -> None:
        nearest, num_shared = self._tree.nearest(node, tokens, step)
        for start in range(0, len(tokens), BLOCK):
            block = self._take(num_readers)
            if start == 0 and num_shared:
                opened.copies.append(Copy(nearest.block, block, num_shared))
                opened.num_known += num_shared
            opened.blocks.append(block)
            node = self._tree.add(node, tokens[start : start + BLOCK], block, step)

    def _fits(self, num_prompt: int, num_output: int) -> bool:
        # An extent grows only where it has no gap, so it never exceeds what is counted here.
        low = max(self._prompts.extent, len(self._num_readers) + num_prompt)
        return low + self._num_high(num_output) <= self.capacity

    def _num_high(self, num_output: int) -> int:
        return max(self._outputs.extent, self._num_reserved + num_output)

    def _share(self, block: int, num_readers: int) -> None:
        self._idle.pop(block, None)
        self._num_readers[block] = self._num_readers.get(block, 0) + num_readers

    def _take(self, num_readers: int) -> int:
        if self._idle and not self._prompts.has_gap:
            is_full = self._prompts.extent + self._num_high(0) >= self.capacity
            if is_full or len(self._idle) >= max(MIN_IDLE, len(self._num_readers) // 8):
                self._evict()
        block = self._prompts.take()
        self._num_readers[block] = num_readers
        return block

    def _evict(self) -> None:
        self._forget(next(iter(self._idle)))

    def _forget(self, block: int) -> None:
        for each in self._tree.remove(block):
            if each in self._idle:
                del self._idle[each]
                self._prompts.put(each)
