"""The environment load: anonymous measurements, their way through the platform, and the computation of carbon.

Beside the management server, not in it: two applications with databases, tokens and settings of their own, which never
meet a driver.
"""
