"""The API: the same things as the driver's pages, for programs."""
