"""What a fault must not leave behind: tasks and open files."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path


def _held() -> tuple[int, int]:
    return len(asyncio.all_tasks()), sum(1 for _ in Path("/proc/self/fd").iterdir())


@dataclass
class Held:
    """How many tasks and files there are when this is made."""

    before: tuple[int, int] = field(default_factory=_held)

    async def again(self, patience: float = 15) -> None:
        """Wait until there are no more than before; what ends takes a moment to be gone."""
        deadline = asyncio.get_running_loop().time() + patience
        while any(now > then for now, then in zip(_held(), self.before, strict=True)):
            assert asyncio.get_running_loop().time() < deadline, f"{_held()} tasks and files, {self.before} before"
            await asyncio.sleep(0.05)
