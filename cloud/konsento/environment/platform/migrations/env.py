"""Runs the migrations of the platform's database."""

from konsento.environment.platform.models import Base
from konsento.kit import migrating

migrating.run(Base.metadata)
