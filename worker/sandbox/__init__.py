"""Processes that scans are cleaned in: forked, confined, and spoken to in checked frames."""
