"""What is measured on a station's line, by the process that holds its socket, for every process that shows it."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


class StationLink(Base):
    """The newest line of a station; counts begin anew with every connection.

    Whether the station is connected is said by its site. No network address is kept: that of a household's line is
    personal.
    """

    __tablename__ = "station_links"

    station_id: Mapped[str] = mapped_column(String(48), primary_key=True)
    process: Mapped[str] = mapped_column(String(100))
    """Machine and number of the process that holds, or held, the socket."""
    written_at: Mapped[datetime]
    """When all this was true."""
    version: Mapped[str] = mapped_column(String(16))
    """The subprotocol: `ocpp2.1`."""
    connected_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]
    """When the socket was closed."""
    connects: Mapped[dict[str, int]] = mapped_column(JSON)
    """How often it has connected, by the hour (hours since 1970), for the last day."""
    waiting_calls: Mapped[int]
    """Calls of ours that wait for their turn or their answer."""
    unanswered: Mapped[int]
    """Calls of the station that wait for our answers."""
    frames_in: Mapped[int] = mapped_column(BigInteger)
    frames_out: Mapped[int] = mapped_column(BigInteger)
    events: Mapped[int] = mapped_column(BigInteger)
    """TransactionEvents that were committed and acknowledged."""
    last_in_at: Mapped[datetime | None]
    """When its last frame came."""
    refused: Mapped[int]
    """Frames and calls of the station that were answered with an error, or were nothing to answer."""
    failed: Mapped[int]
    """Calls of ours without a usable answer, or answered with an error."""
    last_error: Mapped[str] = mapped_column(String(100))
    """Action and code of the newest of them."""
    last_error_at: Mapped[datetime | None]
    call_ms: Mapped[float | None]
    """Of our last call that was answered: until its answer came. An outlet's own time is in it."""
    call_median_ms: Mapped[float | None]
    call_worst_ms: Mapped[float | None]
    ping_ms: Mapped[float | None]
    """Of the last ping of the socket: what the network alone takes."""
    ping_median_ms: Mapped[float | None]
    ping_worst_ms: Mapped[float | None]
    clock_ahead_s: Mapped[float | None]
    """By how much the station's clock is ahead of this server's; negative: behind. None: nothing told it yet."""
    clock_at: Mapped[datetime | None]
    """When that was heard last."""
