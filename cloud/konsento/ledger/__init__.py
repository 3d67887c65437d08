"""Double entry: every amount leaves one account and arrives in another; what is written is never changed."""
