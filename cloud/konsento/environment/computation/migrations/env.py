"""Runs the migrations of the computation system's database."""

from konsento.environment.computation.models import Base
from konsento.kit import migrating

migrating.run(Base.metadata)
