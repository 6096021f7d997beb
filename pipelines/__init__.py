"""Pure de-identification: a reader in, segments and a report out.

No clock, no randomness, no log, no network and no files but the tables of the standard.
"""
