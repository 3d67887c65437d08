"""Runs the migrations of the management server's database."""

from konsento.kit import migrating
from konsento.models import Base

migrating.run(Base.metadata)
