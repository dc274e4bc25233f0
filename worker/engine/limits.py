"""How large a step may be."""

from worker.engine.attention.interface import StepLimits
from worker.engine.prefix_tree import BLOCK
from worker.engine.tokens import TOKEN_BUCKET
from worker.engine.values import EngineSettings, ModelCard

MAX_CHUNK_TOKENS = {"cpu": 512, "cuda": 2048}
"""Of prompts, in one step."""

CHUNK_BUCKET = 256
"""No smaller than any by which a GPU's steps with chunks grow."""


def step_limits(settings: EngineSettings, card: ModelCard) -> StepLimits:
    """Rounded up to sizes in which steps come."""
    rows = rounded(settings.rows_on(card.device), TOKEN_BUCKET)
    chunk_tokens = MAX_CHUNK_TOKENS[card.device]
    return StepLimits(
        rows=rows,
        chunk_tokens=chunk_tokens,
        tokens=rounded(rows + chunk_tokens, CHUNK_BUCKET),
        # A prompt and its output each end in a block of their own.
        blocks=card.context_length // BLOCK + 2,
    )


def rounded(number: int, bucket: int) -> int:
    return -(-number // bucket) * bucket
