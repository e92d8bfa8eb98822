"""Runs the workflows of an app file on the official SDK: `python sdk_worker.py APP.py`, until it is killed."""

from __future__ import annotations

import importlib.util
import sys
import threading
from pathlib import Path


def main(file: str) -> None:
    path = Path(file)
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    module.wfr.start()
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
