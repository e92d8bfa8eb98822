"""What a request comes to, once it is committed: futures that any thread may wait for, or add to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any, TypeVar

T = TypeVar("T")


def then(first: Future[Any], make: Callable[[Future[Any]], T]) -> Future[T]:
    """Return what will have what `make` makes of the first future, or the exception that it raises.

    `make` is called on the thread on which the first one is done, and is to look at its exception too. To cancel what
    is returned cancels the first one.
    """
    second: Future[T] = Future()
    # A future keeps its callbacks. The two must not keep each other: cyclic garbage is looked for seldom here.
    waited_for = [first]

    def go_on(done: Future[Any]) -> None:
        waited_for.clear()
        with contextlib.suppress(InvalidStateError):  # cancelled
            if done.cancelled():
                second.cancel()
                return
            try:
                made = make(done)
            except Exception as error:
                second.set_exception(error)
            else:
                second.set_result(made)

    def give_up(done: Future[T]) -> None:
        if done.cancelled():
            for one in tuple(waited_for):
                one.cancel()

    first.add_done_callback(go_on)
    second.add_done_callback(give_up)
    return second
