"""What the domains and the pages work with: made once at start-up, handed down explicitly."""

from dataclasses import dataclass, field

from konsento.kit.bus import Bus
from konsento.kit.clock import Clock
from konsento.kit.db import Database
from konsento.kit.metrics import Metrics
from konsento.kit.work import WorkQueue
from konsento.ocpp import StationRouter
from konsento.payments.desk import Desk
from konsento.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Services:
    """The services of one process."""

    database: Database
    settings: Settings
    clock: Clock
    router: StationRouter
    """Reaches the sites."""
    live: Bus
    """Woken under a session's id at every change of it."""
    work: WorkQueue
    desk: Desk = field(default_factory=Desk)
    """The external payment providers."""
    metrics: Metrics = field(default_factory=Metrics)
    """What this process counts."""
