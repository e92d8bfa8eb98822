"""Resolve the settings, and where each of them came from."""

from wfctl.config.settings import Settings, Value, resolve

__all__ = ["Settings", "Value", "resolve"]
