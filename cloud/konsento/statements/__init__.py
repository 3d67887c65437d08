"""Statements: what suppliers and site owners got of what was sold, month by month, and what they were paid."""
