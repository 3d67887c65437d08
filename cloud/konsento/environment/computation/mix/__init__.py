"""Fuel mixes: what a region's grid was fed with in each half hour, from the files that operators publish."""

from konsento.environment.computation.mix.read import read_mix
from konsento.environment.computation.mix.slots import Mix, MixSlot

__all__ = ["Mix", "MixSlot", "read_mix"]
