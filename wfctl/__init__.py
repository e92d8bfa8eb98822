"""wfctl: run and manage Dapr workflows from the shell."""

__version__ = "0.1.0"
