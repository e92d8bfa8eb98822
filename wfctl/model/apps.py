"""Which app an instance belongs to. An instance ID is taken within one app only, as on Dapr.

A store that one app runs says nothing of apps: its instances are the store's own (`OWN`), whatever that app is called.
They belong to the first where several apps run a store. `DEFAULT_ID` is the ID that the store's own app goes by where
it must be named.
"""

from __future__ import annotations

OWN = ""
DEFAULT_ID = "wfctl"

# Whose instance an ID names: of these apps, the first that has one. None: whichever app has it, if only one has.
Apps = tuple[str, ...] | None


def fault_of_app(app_id: str) -> str | None:
    """Return why no app can have this ID; None for one that an app may have."""
    if app_id and all(char.isascii() and (char.isalnum() or char in "-_.") for char in app_id):
        return None
    return f"{app_id!r} is not an app ID"


def stored(app_id: str | None) -> str:
    """Return the app as the store has it."""
    return OWN if app_id is None or app_id == DEFAULT_ID else app_id


def told(app: str) -> str | None:
    """Return the app's ID as users see it, None for the store's own: where there is one app, nothing is said of it."""
    return app or None


def app_of_call(app_id: str | None, caller: str) -> str:
    """Return the app, as stored, of an activity or child that an instance of the app `caller` calls with `app_id`."""
    return caller if app_id is None else stored(app_id)


def only(app_id: str | None) -> Apps:
    """Return whose instances a user means that names this app, or none."""
    return None if app_id is None else (stored(app_id),)
