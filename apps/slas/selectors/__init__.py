"""Reads over promises, within a user's scope."""

from apps.slas.selectors.attainment import Attainment, attainment_of_rep, attainment_of_reps
from apps.slas.selectors.pressing import pressing_count

__all__ = ["Attainment", "attainment_of_rep", "attainment_of_reps", "pressing_count"]
