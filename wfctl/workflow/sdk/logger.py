"""The logging names of Dapr's SDK. wfctl itself logs nothing through them."""

from __future__ import annotations

import logging
from typing import Any


class LoggerOptions:
    """The options of a `Logger`.

    Args:
        log_level: a level of the `logging` module; by default INFO.
        log_handler: where records go; by default a StreamHandler on standard error.
        log_formatter: the format of a record; by default time, logger, level and message.
    """

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
    """A logger of the standard library, with some of its methods.

    Args:
        name: the name of the logger.
        options: by default those of `LoggerOptions()`.
    """

    def __init__(self, name: str, options: LoggerOptions | None = None) -> None:
        self._options = options or LoggerOptions()
        handler = self._options.log_handler
        handler.setLevel(self._options.log_level)
        handler.setFormatter(self._options.log_formatter)
        self._logger = logging.getLogger(name)
        if not self._logger.handlers:
            self._logger.addHandler(handler)

    def get_options(self) -> LoggerOptions:
        """Get the options that the logger was made with.

        Returns:
            The options.
        """
        return self._options

    def debug(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """Log a message at the level DEBUG.

        Args:
            msg: the message, with the standard library's placeholders for the other arguments.
        """
        self._logger.debug(msg, *args, **kwargs)

    def info(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """Log a message at the level INFO.

        Args:
            msg: the message, with the standard library's placeholders for the other arguments.
        """
        self._logger.info(msg, *args, **kwargs)

    def warning(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """Log a message at the level WARNING.

        Args:
            msg: the message, with the standard library's placeholders for the other arguments.
        """
        self._logger.warning(msg, *args, **kwargs)

    def error(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """Log a message at the level ERROR.

        Args:
            msg: the message, with the standard library's placeholders for the other arguments.
        """
        self._logger.error(msg, *args, **kwargs)

    def exception(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """Log a message at the level ERROR, with the exception that is being handled.

        Args:
            msg: the message, with the standard library's placeholders for the other arguments.
        """
        self._logger.exception(msg, *args, **kwargs)

    def critical(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """Log a message at the level CRITICAL.

        Args:
            msg: the message, with the standard library's placeholders for the other arguments.
        """
        self._logger.critical(msg, *args, **kwargs)
