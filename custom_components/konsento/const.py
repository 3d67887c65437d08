"""Names that the integration's files share."""

from typing import Final

DOMAIN: Final = "konsento"
VERSION: Final = "0.1.0"
"""As in manifest.json; a test compares them."""

SUBENTRY_OUTLET: Final = "outlet"
SUBENTRY_SERVER: Final = "management_server"

CONF_EVSE: Final = "evse"
CONF_KEY: Final = "encryption_key"
CONF_KIND: Final = "kind"
"""What an outlet is made of; absent for a guarded one."""
KIND_PLAIN: Final = "plain"
"""A plain ESPHome device."""
KIND_ENTITIES: Final = "entities"
"""Any switch and sensors of Home Assistant."""
CONF_STATION_ID: Final = "station_id"
CONF_CONTINUITY: Final = "continuity_interval"
CONF_METER: Final = "meter_interval"
CONF_HANDOVER: Final = "handover_lease"
CONF_GRACE: Final = "grace_time"
CONF_UNLIMITED: Final = "unlimited_time"
CONF_GRID_FACTOR: Final = "grid_factor"
"""What one kWh of the grid causes, g CO2; absent where the owner has not entered it."""
CONF_LABEL_URL: Final = "label_url"
"""Of a management server that does not tell its outlets' addresses: their pattern."""
CONF_MEASUREMENTS: Final = "measurements"
"""Where measurements go; absent when they go nowhere."""
CONF_ROUTE: Final = "route"
CONF_REGION: Final = "region"
CONF_SCHEDULE: Final = "schedule"

DOCUMENTATION: Final = "https://github.com/konsento/konsento/blob/main/docs/site.md"

MANUFACTURER: Final = "Konsento"
