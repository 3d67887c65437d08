"""Paying: hold money for a session, take what was billed, give the rest back. The providers sit behind one port."""
