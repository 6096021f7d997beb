"""The history of the key database's tables, run when the service is set up and when it starts."""
