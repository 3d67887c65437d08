"""Telling people: mails and push messages, kept with the transaction that causes them and sent by due work."""
