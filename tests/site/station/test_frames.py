"""Whatever comes over the line, the link answers within the protocol and lives on."""

import asyncio
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from station.conftest import Linked

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40)
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=4)
)
_FRAMES = _JSON | st.tuples(
    st.sampled_from([2, 3, 4, 5, 6, 7, 0, -1, "2"]),
    st.text(max_size=40) | _SCALARS,
    st.sampled_from(["Reset", "GetVariables", "RequestStartTransaction", "DataTransfer", "x"]) | _JSON,
    _JSON,
)


async def test_no_frame_ends_the_link_or_starts_anything(linked: Linked) -> None:
    await linked.online()
    loop = asyncio.get_running_loop()
    frames: list[Any] = []

    @given(frame=_FRAMES)
    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def gather(frame: Any) -> None:
        frames.append(frame)

    await loop.run_in_executor(None, gather)
    for frame in frames:
        await linked.csms.send(json.dumps(frame))
    await linked.csms.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
    await linked.csms.until(lambda: any(action == "Heartbeat" for action, _ in linked.csms.heard))

    # What once ended the link: a kind that is no number and cannot be looked up.
    await linked.csms.send('[[2], "id"]')
    await linked.csms.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})

    assert linked.csms.connections == 1
    assert linked.outlet.starts == []
    for answer in linked.csms.raw:
        assert answer[0] == 4
        assert len(answer) == 5
