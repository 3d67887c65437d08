"""Bills: asking by mail or by post for what is owed, and noting what comes in at the operator's bank."""
