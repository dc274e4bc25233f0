import pytest

from models.optimizer import rate_share


@pytest.mark.parametrize(("progress", "share"), [(0.0, 1.0), (0.35, 1.0), (0.675, 0.5), (1.0, 0.0)])
def test_the_learning_rate_is_flat_then_falls_to_zero(progress: float, share: float) -> None:
    assert share == pytest.approx(rate_share(step=1000, progress=progress))


def test_the_learning_rate_warms_up() -> None:
    assert pytest.approx(0.05) == rate_share(step=0, progress=0.0)
