"""Random numbers without state: each depends on what it is for, and on nothing else."""

MASK = 2**64 - 1


def uniform(seed: int, candidate: int, position: int) -> float:
    """A number in [0, 1), the same for the same three integers on every machine.

    A hash of the counter instead of a generator with a state: a draw does not depend on
    how many were made before or what else is in the batch. Any integer is a seed; two that
    differ by a multiple of 2^64 are the same.
    """
    state = _mix(seed & MASK)
    state = _mix(state ^ candidate)
    state = _mix(state ^ position)
    # The upper 53 bits are as many as a float holds exactly.
    return (state >> 11) * 2.0**-53


def _mix(state: int) -> int:
    """One step of SplitMix64 (Steele, Lea and Flood, 2014)."""
    state = (state + 0x9E3779B97F4A7C15) & MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
    return state ^ (state >> 31)
