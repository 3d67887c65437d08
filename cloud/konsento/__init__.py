"""Konsento management server: drivers, outlets, sessions and their settlement."""
