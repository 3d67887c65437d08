"""Session control: what a site decides about charging, without a word of Home Assistant, ESPHome or OCPP frames."""
