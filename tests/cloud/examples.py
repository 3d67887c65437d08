"""How many random examples a property on a database takes."""

from hypothesis import settings


def up_to(most: int) -> int:
    """Return `most` where new examples are looked for (`make test-properties`), two fifths where they are the same."""
    return max(3, most * 2 // 5) if settings().derandomize else most
