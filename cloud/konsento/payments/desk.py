"""The payment providers of this deployment, and what payments need of the services of a process."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.clock import Clock
from konsento.kit.db import Database
from konsento.kit.metrics import Metrics
from konsento.kit.work import WorkQueue
from konsento.models import Payment
from konsento.payments.errors import UnknownMethod
from konsento.payments.port import ExternalProvider
from konsento.settings import Settings

type Told = Callable[[AsyncSession, Payment], Awaitable[None]]
"""Called in the transaction that has changed the payment's state; it may ask for due work there."""


class Desk:
    """The external providers, and who is told when a payment changes.

    The internal providers are the same everywhere (`payments.service`).
    """

    def __init__(self, external: Iterable[ExternalProvider] = ()) -> None:
        self.external = {provider.name: provider for provider in external}
        self._told: list[Told] = []

    def provider(self, name: str) -> ExternalProvider:
        """Return an external provider. Raises `UnknownMethod`."""
        found = self.external.get(name)
        if found is None:
            raise UnknownMethod
        return found

    def on_change(self, told: Told) -> Told:
        """Have the decorated function called at every change of the state of an external payment."""
        self._told.append(told)
        return told

    async def tell(self, session: AsyncSession, payment: Payment) -> None:
        """Tell everybody who wants to know that the state of a payment has changed."""
        for told in self._told:
            await told(session, payment)

    async def close(self) -> None:
        """Close the providers' connections."""
        for provider in self.external.values():
            await provider.close()


class Till(Protocol):
    """What payments need of `Services`, which stand above them and hold the desk."""

    @property
    def database(self) -> Database:
        """The database."""

    @property
    def clock(self) -> Clock:
        """The clock."""

    @property
    def work(self) -> WorkQueue:
        """Due work."""

    @property
    def settings(self) -> Settings:
        """The settings."""

    @property
    def metrics(self) -> Metrics:
        """What this process counts."""

    @property
    def desk(self) -> Desk:
        """The providers."""
