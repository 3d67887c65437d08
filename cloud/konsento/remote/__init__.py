"""What people and programs of the operator ask of stations: each request in the audit log before it is sent."""
