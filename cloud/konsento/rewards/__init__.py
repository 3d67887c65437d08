"""Eco points and coupons: earned by charging, taken off later bills, and never turned into money."""
