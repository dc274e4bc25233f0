import pytest
import torch

from models.optimizer import orthogonalize, rate_share


def test_an_orthogonalized_update_stretches_nothing_much() -> None:
    torch.manual_seed(0)
    for shape in ((2, 16, 16), (2, 16, 8), (2, 8, 16)):
        singular_values = torch.linalg.svdvals(orthogonalize(torch.randn(shape)))
        assert singular_values.max() < 1.3


@pytest.mark.parametrize(("progress", "share"), [(0.0, 1.0), (0.35, 1.0), (0.675, 0.5), (1.0, 0.0)])
def test_the_learning_rate_is_flat_then_falls_to_zero(progress: float, share: float) -> None:
    assert share == pytest.approx(rate_share(step=1000, progress=progress))


def test_the_learning_rate_warms_up() -> None:
    assert pytest.approx(0.05) == rate_share(step=0, progress=0.0)
