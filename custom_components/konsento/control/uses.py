"""What a site has supplied to drivers, and what its owner gave away: registers that outlive the list of sessions."""

from collections.abc import Iterable

from .journal import Journal
from .outlet import OutletControl, progress
from .session import LOCAL, Phase, Session


class UseEnergy:
    """Counts every session's energy once, under way or over, corrected or not."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._counted: dict[str, int] = {}
        """Of the sessions that can still grow, by id, mWh."""
        self._taken_over: set[str] = set()
        """Sessions of an earlier run, until their outlet has said how far they have got meanwhile."""
        self.drivers_mwh = 0
        self.own_mwh = 0

    async def open(self) -> None:
        """Begin with what the journal knows."""
        self.drivers_mwh, self.own_mwh = await self._journal.supplied()
        unfinished = await self._journal.unfinished()
        growing = [*unfinished, *(await self._journal.last()).values()]
        self._counted = {session.id: session.energy_mwh for session in growing}
        self._taken_over = {session.id for session in unfinished if session.phase is Phase.RUNNING}

    @property
    def known(self) -> bool:
        """Whether no session is behind what had been known of it before a restart: a register must not fall."""
        return not self._taken_over

    def count(self, outlets: Iterable[OutletControl]) -> None:
        """Take in how far all sessions are."""
        growing = dict[str, int]()
        running = set[str]()
        for control in outlets:
            report = control.driver.report
            for session in (control.last, progress(control)):
                if session is not None:
                    growing[session.id] = self._take(session)
            if control.session is not None and (report is None or report.session_id != control.session.id):
                running.add(control.session.id)
        # One whose outlet is away is not known before it is back, or given up.
        self._taken_over &= running
        self._counted |= growing

    def _take(self, session: Session) -> int:
        before = self._counted.get(session.id, 0)
        more = max(0, session.energy_mwh - before)
        if session.server == LOCAL:
            self.own_mwh += more
        else:
            self.drivers_mwh += more
        return before + more
