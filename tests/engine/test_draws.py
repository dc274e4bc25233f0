from worker.engine.draws import uniform


def test_draws_are_uniform() -> None:
    draws = [
        uniform(seed, candidate, at)
        for seed in range(20)
        for candidate in range(20)
        for at in range(50)
    ]
    counts = [0] * 20
    for draw in draws:
        counts[int(draw * 20)] += 1
    expected = len(draws) / 20
    # The 99.9 % quantile of chi-square with 19 degrees of freedom.
    assert sum((count - expected) ** 2 / expected for count in counts) < 43.8


def test_a_draw_depends_on_all_that_it_is_for() -> None:
    assert len({uniform(*key) for key in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]}) == 4


def test_a_draw_never_changes_between_versions() -> None:
    assert [uniform(0, 0, 0), uniform(7, 1, 2)] == [0.13870941014555427, 0.08945047175044918]


def test_any_integer_is_a_seed() -> None:
    assert uniform(7, 1, 2) == uniform(7 + 2**64, 1, 2)
    assert 0.0 <= uniform(-1, 0, 0) < 1.0
