"""Beginnings of prompts whose keys and values are in the cache."""

from bisect import bisect, insort
from collections.abc import Iterator
from dataclasses import dataclass, field

BLOCK = 32
"""Tokens that one block of the cache holds."""

Tokens = tuple[int, ...]


@dataclass(eq=False, slots=True)
class Node:
    """A block's worth of tokens after those of `parent`; only a leaf may have fewer.

    `written_at` is the step that computes, or copies, the last of what is in `block`.
    """

    tokens: Tokens
    block: int
    written_at: int
    parent: "Node | None"
    children: dict[Tokens, "Node"] = field(default_factory=dict)
    # The children's tokens in order: those that share most are neighbours.
    order: list[Tokens] = field(default_factory=list)


class PrefixTree:
    """A tree over token ids, one block an edge."""

    def __init__(self) -> None:
        self.root = Node((), 0, 0, None)
        self._nodes: dict[int, Node] = {}

    def __contains__(self, block: int) -> bool:
        return block in self._nodes

    def match(self, tokens: Tokens) -> Iterator[Node]:
        """The nodes that `tokens` begins with, from the first on, as far as they go."""
        node: Node | None = self.root
        for start in range(0, len(tokens), BLOCK):
            node = node.children.get(tokens[start : start + BLOCK]) if node else None
            if node is None:
                return
            yield node

    def nearest(self, parent: Node, tokens: Tokens, step: int) -> tuple[Node, int]:
        """The child, written before `step`, that shares most of the first of `tokens`.

        And how many they share; the parent and none where there is no such child.
        """
        at = bisect(parent.order, tokens)
        best, most = parent, 0
        # Outward both ways, along which ever fewer are shared.
        for neighbours in (reversed(parent.order[:at]), parent.order[at:]):
            for each in neighbours:
                num_shared = _num_shared(each, tokens)
                if num_shared <= most:
                    break
                if parent.children[each].written_at < step:
                    best, most = parent.children[each], num_shared
                    break
        return best, most

    def add(self, parent: Node, tokens: Tokens, block: int, step: int) -> Node:
        """Know `block` as what follows `parent`; it takes the place of one with these tokens."""
        node = parent.children.get(tokens)
        if node is None:
            node = parent.children[tokens] = Node(tokens, block, step, parent)
            insort(parent.order, tokens)
        else:
            del self._nodes[node.block]
            node.block, node.written_at = block, step
        self._nodes[block] = node
        return node

    def note_written(self, blocks: list[int], step: int) -> None:
        for block in blocks:
            if block in self._nodes:
                self._nodes[block].written_at = step

    def remove(self, block: int) -> list[int]:
        """Forget a block and all that follow it; returns them."""
        node = self._nodes.get(block)
        if node is None or node.parent is None:
            return []
        del node.parent.children[node.tokens]
        del node.parent.order[bisect(node.parent.order, node.tokens) - 1]
        removed = [each.block for each in _subtree(node)]
        for each in removed:
            del self._nodes[each]
        return removed


def _num_shared(ours: Tokens, theirs: Tokens) -> int:
    num_shared = 0
    for one, other in zip(ours, theirs, strict=False):
        if one != other:
            break
        num_shared += 1
    return num_shared


def _subtree(root: Node) -> Iterator[Node]:
    nodes = [root]
    while nodes:
        node = nodes.pop()
        yield node
        nodes.extend(node.children.values())
