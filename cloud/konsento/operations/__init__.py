"""What the operator's people watch over and answer for: alarms and the audit log."""
