"""The key table: whose case it is, kept apart from everything that touches a scan."""
