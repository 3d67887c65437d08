"""Telling the programs of drivers what happens: endpoints, events, signed deliveries that are tried again."""
