"""What a recipient gets: a zip under a signed manifest, written here and opened there."""
