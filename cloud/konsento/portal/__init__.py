"""The portal: a coordinator's pages that show the suppliers of an outlet side by side and lead to the chosen one.

It knows no users: no accounts, no cookies, no database, and nothing about its visitors in the log.
"""
