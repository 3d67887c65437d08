"""Drivers: sign-up, sign-in, sign-out. Knows people; knows nothing of outlets, sessions or money."""
