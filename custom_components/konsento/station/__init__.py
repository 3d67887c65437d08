"""Management servers: the site as an OCPP 2.1 / 2.0.1 charging station."""
