"""How prompts share forward passes: continuously where the model allows it."""

from collections.abc import Callable

from worker.engine.continuous import Continuous
from worker.engine.errors import EngineError
from worker.engine.loading import LoadedModel
from worker.engine.micro_batches import MicroBatches
from worker.engine.prefix_tree import BLOCK
from worker.engine.runner import Runner
from worker.engine.scheduler import Scheduler
from worker.engine.sequences import Request
from worker.engine.values import EngineSettings

MAX_CHUNK_TOKENS = 512


def make_batching(
    loaded: LoadedModel,
    settings: EngineSettings,
    *,
    complete: Callable[[Request], None],
    fail: Callable[[Request, EngineError], None],
    after_step: Callable[[], None],
) -> Continuous | MicroBatches:
    if loaded.shape is None:
        return MicroBatches(
            loaded,
            max_rows=settings.max_rows,
            token_budget=settings.token_budget,
            complete=complete,
            fail=fail,
            after_step=after_step,
        )
    num_blocks = _num_blocks(loaded, settings)
    return Continuous(
        loaded,
        Runner(loaded.model, loaded.shape, num_blocks=num_blocks),
        Scheduler(
            num_blocks=num_blocks,
            max_rows=settings.max_rows,
            max_chunk_tokens=MAX_CHUNK_TOKENS,
        ),
        complete=complete,
        fail=fail,
        after_step=after_step,
    )


def _num_blocks(loaded: LoadedModel, settings: EngineSettings) -> int:
    """As the budget says, but no more than all rows could ever fill; and the padding's block."""
    # A prompt and its output each end in a block of their own that may be nearly empty.
    most = settings.max_rows * (loaded.card.context_length // BLOCK + 2)
    return min(settings.token_budget // BLOCK, most) + 1
