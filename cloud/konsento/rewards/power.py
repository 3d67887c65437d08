"""Which kinds of power a rule or a coupon is about."""

from konsento.catalogue.power import STANDARD


def lineage(word: str) -> frozenset[str]:
    """Return a standard power type and all that it is a part of: solar, renewable."""
    found, at = set[str](), word or None
    while at is not None and at not in found:
        found.add(at)
        at = STANDARD.get(at)
    return frozenset(found)
