"""The app whose code is held against histories. It is imported, and none of its activities runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wfctl.cli.session import Session

if TYPE_CHECKING:
    from wfctl.workflow.loading.app import App


@contextmanager
def loaded_app(session: Session) -> Iterator[App]:
    """Import the app of the settings, whatever the target is. Raises InvalidInput if none is named, and AppError."""
    from wfctl.client.embedded.app_host import HostedApp

    settings = session.settings
    hosted = HostedApp(Path(), settings.app, settings.base, session.console.note, lambda: settings.interpreter)
    try:
        yield hosted.load()
    finally:
        hosted.close()
