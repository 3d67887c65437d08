"""Where balance data and spot prices come from: sources that are fetched, uploaded or dropped into a folder."""
