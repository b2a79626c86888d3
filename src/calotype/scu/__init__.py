"""The same service classes towards peers."""
