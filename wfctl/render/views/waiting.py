"""What an instance waits for, in words."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from wfctl.model.instance import Waiting
from wfctl.render.text import clean, shorten
from wfctl.render.times import age, seconds_text

ERROR_MOST = 80


def waiting_text(waiting: Waiting, now: datetime) -> str:
    """One thing in full: `event "approval" for 2h 14m (times out in 21h)`."""
    name = clean(waiting.name or "")
    if waiting.kind == "event" and waiting.received:
        return f"a worker: {name} received"
    if waiting.kind == "event":
        words = f'event "{name}"' + _since(waiting, now)
        return words + (f" (times out {_until(waiting.until, now)})" if waiting.until else "")
    if waiting.kind == "activity":
        return ", ".join([f"activity {name}{_in_app(waiting)}", *_attempts(waiting, now)])
    if waiting.kind == "child":
        status = f" ({waiting.status.name})" if waiting.status is not None else ""
        child = f"child {clean(waiting.instance_id or name)}{_in_app(waiting)}{status}"
        return ", ".join([child, *_attempts(waiting, now)])
    if waiting.kind == "timer":
        label = f"timer {name}" if name else "timer"
        if waiting.until is None:
            return label + _since(waiting, now)
        return f"{label} until {seconds_text(waiting.until)} ({_until(waiting.until, now)})"
    if waiting.kind == "start":
        if waiting.until is None:
            return "its start"
        return f"its start at {seconds_text(waiting.until)} ({_until(waiting.until, now)})"
    if waiting.kind == "resume":
        return "a resume" + _since(waiting, now) + _because(waiting)
    if waiting.kind == "code":
        return "other code: " + clean(waiting.last_error or waiting.name or "this code cannot go on with its history")
    if waiting.kind == "app":
        return f"the app {name}: it is not there"
    if waiting.kind == "worker":
        return "a worker that has this workflow: none is attached (start its app; wfctl workers shows who is)"
    if waiting.kind == "driver":
        if waiting.last_error:
            return f"no process is executing it: {clean(waiting.last_error)}"
        return "no process is executing this store (wfctl run continues it)"
    return waiting.kind + (f" {name}" if name else "") + _since(waiting, now)


def waiting_word(waiting: tuple[Waiting, ...], now: datetime) -> str:
    """The first thing, short enough for a cell; `+2` says how many more there are. That nothing runs comes last."""
    if not waiting:
        return ""
    first = waiting[0]
    if first.kind == "driver" and len(waiting) > 1:
        return waiting_word(waiting[1:], now) + ", not running"
    if first.kind == "app":
        return (waiting_word(waiting[1:], now) + ", " if len(waiting) > 1 else "") + f"no app {clean(first.name or '')}"
    if first.kind == "worker":
        return (waiting_word(waiting[1:], now) + ", " if len(waiting) > 1 else "") + "no worker"
    more = f" +{len(waiting) - 1}" if len(waiting) > 1 else ""
    name = clean(first.name or "")
    if first.kind == "event" and first.received:
        return f"worker ({name} received){more}"
    if first.kind == "event":
        return f"event {name}" + (f" {age(now - first.since)}" if first.since else "") + more
    if first.kind == "activity":
        number = f" {first.attempt}/{first.max_attempts}" if first.max_attempts and (first.attempt or 1) > 1 else ""
        return f"activity {name}{number}{more}"
    if first.kind == "child":
        return f"child {clean(first.instance_id or name)}{more}"
    if first.kind in ("timer", "start"):
        return first.kind + (f" {_until(first.until, now)}" if first.until else "") + more
    if first.kind == "driver":
        return "not running" + more
    if first.kind == "code":
        return waiting_text(first, now) + more
    return first.kind + more


def _in_app(waiting: Waiting) -> str:
    return f" in the app {clean(waiting.app_id)}" if waiting.app_id else ""


def _since(waiting: Waiting, now: datetime) -> str:
    """` for 5m`; nothing where it has only just begun."""
    if waiting.since is None or now - waiting.since < timedelta(seconds=1):
        return ""
    return f" for {age(now - waiting.since)}"


def _until(when: datetime | None, now: datetime) -> str:
    if when is None:
        return ""
    return f"in {age(when - now)}" if when > now else f"due {age(now - when)} ago"


def _because(waiting: Waiting) -> str:
    return f" ({clean(waiting.last_error)})" if waiting.last_error else ""


def _attempts(waiting: Waiting, now: datetime) -> list[str]:
    words = []
    attempt = waiting.attempt or 1
    if waiting.max_attempts and waiting.max_attempts > 1:
        words.append(f"attempt {attempt} of {waiting.max_attempts}")
    elif attempt > 1:
        words.append(f"attempt {attempt}")
    if waiting.until is not None:
        words.append(f"next try {_until(waiting.until, now)}")
    elif since := _since(waiting, now):
        words.append("running" + since)
    if waiting.last_error:
        words.append("last error " + shorten(clean(waiting.last_error), ERROR_MOST))
    return words


def utc_now() -> datetime:
    return datetime.now(timezone.utc)
