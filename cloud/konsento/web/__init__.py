"""The driver's pages: choose, see the price, start, watch, receipt. Shows what the domains know; decides nothing."""
