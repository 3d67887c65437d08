"""Emission factors: what they are, where they come from, and which one counts."""

from konsento.environment.computation.factors.factor import Factor, Kind, grams_per_kwh

__all__ = ["Factor", "Kind", "grams_per_kwh"]
