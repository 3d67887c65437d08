"""Measurements that leave the site: what sessions took, by outlet and region, and nothing about who."""
