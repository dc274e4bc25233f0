"""How large the cache is."""

from dataclasses import replace

from tests.engine.in_process import InProcess
from worker.engine.attention.plain import PlainAttention
from worker.engine.batching import CACHE_SHARE, num_cache_blocks
from worker.engine.kv_cache import block_bytes
from worker.engine.prefix_tree import BLOCK


def test_the_cache_is_as_large_as_the_budget_or_the_free_memory(local: InProcess) -> None:
    loaded = replace(local.loaded, card=replace(local.loaded.card, context_length=2**20))
    assert loaded.attention is not None
    shape, settings = loaded.attention.shape, replace(local.settings, token_budget=1000 * BLOCK)
    # Two layers of two heads of 8 in fp32, keys and values.
    assert block_bytes(shape.layers, loaded.model.dtype) == BLOCK * 2 * 2 * 8 * 2 * 4
    assert num_cache_blocks(shape, loaded, settings, free_bytes=None) == 1001
    free_bytes = int(5000 * block_bytes(shape.layers, loaded.model.dtype) / CACHE_SHARE) + 1
    assert num_cache_blocks(shape, loaded, settings, free_bytes=free_bytes) == 5001


def test_the_cache_is_no_larger_than_all_rows_could_fill(local: InProcess) -> None:
    assert local.loaded.attention is not None
    shape, settings = local.loaded.attention.shape, replace(local.settings, token_budget=10**9)
    rows, context = settings.rows_on("cpu"), local.loaded.card.context_length
    expected = rows * (context // BLOCK + 2) + 1
    assert expected == num_cache_blocks(shape, local.loaded, settings, free_bytes=10**12)


def test_torch_gets_no_more_rows_on_a_gpu_than_on_a_cpu(local: InProcess) -> None:
    card = replace(local.loaded.card, device="cuda")
    settings = replace(local.settings, max_rows=None, token_budget=10**9)
    taken = local.loaded.attention
    assert taken is not None
    sizes = [
        num_cache_blocks(
            taken.shape,
            replace(local.loaded, card=card, attention=replace(taken, kind=kind)),
            settings,
            free_bytes=10**12,
        )
        for kind in (taken.kind, PlainAttention)
    ]
    rows = [settings.rows_on(device) for device in ("cuda", "cpu")]
    assert (sizes[0] - 1) / rows[0] == (sizes[1] - 1) / rows[1]
