"""Retry policies for activities and child workflows."""

from __future__ import annotations

import math
from datetime import timedelta


class RetryPolicy:
    """A rule for trying a failed activity or child workflow again.

    The delay after attempt N is `first_retry_interval * backoff_coefficient ** (N - 1)`, at most `max_retry_interval`.
    There is no jitter: a replay must compute the same delays. A failure whose type is named `NonRetryableError` is not
    tried again.

    Args:
        first_retry_interval: the delay after the first failure.
        max_number_of_attempts: how many attempts there are at most, the first one included.
        backoff_coefficient: the factor from one delay to the next, from 1; None is 1.
        max_retry_interval: the longest delay; None sets no limit.
        retry_timeout: give up when the delays, the next one included, add up to this; None sets no limit. The time of
            the attempts themselves does not count, as in Dapr's SDK.

    Raises:
        ValueError: an interval is negative, or a number is less than 1.
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
        """Return the policy itself, where Dapr's SDK returns an inner one."""
        return self

    def retries(self, error_type: str) -> bool:
        """Check that the policy covers failures of this type.

        Args:
            error_type: the class name of the exception.

        Returns:
            False for `NonRetryableError`.
        """
        return error_type != "NonRetryableError"

    def next_delay(self, attempt: int) -> timedelta | None:
        """Compute the delay before the next attempt.

        Args:
            attempt: the number of the attempt that failed, from 1.

        Returns:
            The delay; None if there is no further attempt.
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
