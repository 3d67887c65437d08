"""The life of a session: limit, quote, start, meter events, stop. Asks settlement for a hold, ocpp for a start."""
