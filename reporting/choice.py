"""How a section's best candidate is chosen."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Strict, model_validator
from pydantic import Field as Limits

from reporting.measure import Measure

Weight = Annotated[float, Limits(gt=0), Strict(False)]
_Measure = Annotated[Measure, Strict(False)]


class Choice(BaseModel):
    """`[section.choice]`: an order, of which the first difference decides, or weights.

    By weights the highest sum wins: of each measure times its weight, those that are better
    low subtracted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    order: Annotated[tuple[_Measure, ...], Strict(False)] = ()
    weights: Mapping[_Measure, Weight] = {}

    @model_validator(mode="after")
    def _one_rule(self) -> "Choice":
        if bool(self.order) == bool(self.weights):
            raise ValueError("needs either an order or weights")
        if len(set(self.order)) < len(self.order):
            raise ValueError("names a measure twice")
        return self


BY_FAITH = Choice(order=(Measure.FLAWS, Measure.COVERAGE, Measure.PERPLEXITY))
"""The default: fewest inventions and corrupted words, then coverage, then perplexity."""
