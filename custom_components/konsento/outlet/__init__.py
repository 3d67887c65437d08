"""Outlets: the drivers that talk to the control apparatus."""
