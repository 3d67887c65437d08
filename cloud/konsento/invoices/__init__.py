"""Invoices and credit notes: what drivers hand in elsewhere, and what the operator has to keep."""
