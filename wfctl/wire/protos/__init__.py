"""Dapr's wire messages in a package of our own; see `generate.py`."""
