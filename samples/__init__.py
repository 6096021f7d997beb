"""Synthetic dental cases: pictures, surfaces, and invented people hidden in them."""
