"""The whole line on one machine, of real parts: firmware, Home Assistant, management server and a driver.

The demo (`python -m rig.demo`), the system tests and the benchmarks drive the same pieces.
"""
