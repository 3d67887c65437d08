"""Mistakes of the caller, which no driver ever reads."""


class LedgerError(Exception):
    """A transfer that must not be written: the program around it is wrong, and its transaction is rolled back."""
