"""Plain outlets: a guard in software over a relay and a meter without a mind of their own."""
