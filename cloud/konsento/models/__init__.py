"""All models, so that metadata and migrations see every table. One file per aggregate."""
