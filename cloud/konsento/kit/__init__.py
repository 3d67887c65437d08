"""What every domain uses: money, clock, ids, database, due work, errors, translations. Knows no domain."""
