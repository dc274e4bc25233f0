"""Scores: what is measured of a candidate's text, before it is rendered."""

from worker.scoring.facts import facts_of
from worker.scoring.score import Scores, score_section

__all__ = ["Scores", "facts_of", "score_section"]
