"""The logging names of the SDK. wfctl itself logs nothing through them."""

from __future__ import annotations

import logging
from typing import Any


class LoggerOptions:
    """Level, handler and format of a `Logger`."""

    def __init__(
        self,
        log_level: int | str | None = None,
        log_handler: logging.Handler | None = None,
        log_formatter: logging.Formatter | None = None,
    ) -> None:
        self.log_level = logging.INFO if log_level is None else log_level
        self.log_handler = logging.StreamHandler() if log_handler is None else log_handler
        self.log_formatter = (
            logging.Formatter("%(asctime)s.%(msecs)03d %(name)s %(levelname)s: %(message)s", "%Y-%m-%d %H:%M:%S")
            if log_formatter is None
            else log_formatter
        )


class Logger:
    """A named logger with the options applied."""

    def __init__(self, name: str, options: LoggerOptions | None = None) -> None:
        self._options = options or LoggerOptions()
        handler = self._options.log_handler
        handler.setLevel(self._options.log_level)
        handler.setFormatter(self._options.log_formatter)
        self._logger = logging.getLogger(name)
        if not self._logger.handlers:
            self._logger.addHandler(handler)

    def get_options(self) -> LoggerOptions:
        return self._options

    def __getattr__(self, method: str) -> Any:
        """`debug`, `info`, `warning`, `error`, `exception`, `critical` of the standard logger."""
        return getattr(self._logger, method)
