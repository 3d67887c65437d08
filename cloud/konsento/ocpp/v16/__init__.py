"""OCPP 1.6-J, for the chargers that people own: start, stop, meter and status.

Everything above sees messages of 2.1 only. A station's calls become messages of 2.1 (`incoming`), what the floors above
ask becomes calls of 1.6 (`outgoing`), and the transactions get what 1.6 lets the server make: their numbers, and the
order of their readings (`transactions`). `connection.Connection16` joins them.
"""
