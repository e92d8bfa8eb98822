"""Retry policies for activities and child workflows."""

from __future__ import annotations

import math
from datetime import timedelta


class RetryPolicy:
    """How often, and after which delays, a failed activity or child workflow is tried again.

    There is no jitter: the delays must come out the same in a replay.
    """

    __slots__ = (
        "backoff_coefficient",
        "first_retry_interval",
        "max_number_of_attempts",
        "max_retry_interval",
        "retry_timeout",
    )

    def __init__(
        self,
        *,
        first_retry_interval: timedelta,
        max_number_of_attempts: int,
        backoff_coefficient: float | None = 1.0,
        max_retry_interval: timedelta | None = None,
        retry_timeout: timedelta | None = None,
    ) -> None:
        zero = timedelta(0)
        for name, interval in (
            ("first_retry_interval", first_retry_interval),
            ("max_retry_interval", max_retry_interval),
            ("retry_timeout", retry_timeout),
        ):
            if interval is not None and interval < zero:
                raise ValueError(f"{name} must be >= 0")
        if max_number_of_attempts < 1:
            raise ValueError("max_number_of_attempts must be >= 1")
        if backoff_coefficient is not None and backoff_coefficient < 1:
            raise ValueError("backoff_coefficient must be >= 1")
        self.first_retry_interval = first_retry_interval
        self.max_number_of_attempts = max_number_of_attempts
        self.backoff_coefficient = backoff_coefficient
        self.max_retry_interval = max_retry_interval
        self.retry_timeout = retry_timeout

    @property
    def obj(self) -> RetryPolicy:
        """The SDK wraps an inner policy; here there is only one."""
        return self

    def retries(self, error_type: str) -> bool:
        """Whether a failure of this type (a class name) is worth another attempt."""
        return error_type != "NonRetryableError"

    def next_delay(self, attempt: int) -> timedelta | None:
        """The wait after the failure of `attempt` (the first is 1); None when there is no further attempt.

        The timeout is held against the sum of the delays, not against the clock: attempts themselves count as
        taking no time, as in the SDK.
        """
        if attempt >= self.max_number_of_attempts:
            return None
        first = self.first_retry_interval.total_seconds()
        factor = 1.0 if self.backoff_coefficient is None else self.backoff_coefficient
        longest = math.inf if self.max_retry_interval is None else self.max_retry_interval.total_seconds()
        delay = elapsed = 0.0
        for n in range(attempt):
            delay = min(math.pow(factor, n) * first, longest)
            elapsed += delay
        if self.retry_timeout is not None and timedelta(seconds=elapsed) >= self.retry_timeout:
            return None
        return timedelta(seconds=delay)
