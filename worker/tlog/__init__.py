"""Transparency logs after RFC 6962 and C2SP: trees, signed notes, proofs. Needs no database."""
