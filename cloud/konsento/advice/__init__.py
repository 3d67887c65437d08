"""Advice to drivers: when to charge, told as they want it, and charging that starts in time ([0172] to [0181])."""
