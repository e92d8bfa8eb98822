"""Compile the `.proto` files of this folder to the checked-in `*_pb2.py` and `*_pb2.pyi`.

    python -m venv gen && gen/bin/pip install grpcio-tools==1.71.2
    gen/bin/python wfctl/wire/protos/generate.py

Run from the root of the repository. The generator is pinned to the oldest protobuf that wfctl works with (5.29), as
generated code works with later runtimes only. The version check that the generator writes into each file is taken
out: it refuses runtimes two majors later, yet all that these files hold is a serialised descriptor, which every
runtime reads. The tests run over several majors instead.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CHECK = re.compile(
    r"^(from google\.protobuf import runtime_version as _runtime_version\n"
    r"|_runtime_version\.ValidateProtobufRuntimeVersion\(\n(?:    .*\n)+\)\n)",
    re.MULTILINE,
)


def generate() -> None:
    protoc: Any = importlib.import_module("grpc_tools.protoc")

    includes = Path(protoc.__file__).parent / "_proto"
    files = sorted(str(path.relative_to(ROOT)) for path in HERE.glob("*.proto"))
    options = [f"-I{ROOT}", f"-I{includes}", f"--python_out={ROOT}", f"--pyi_out={ROOT}"]
    status = protoc.main(["protoc", *options, *files])
    if status:
        sys.exit(status)
    for path in HERE.glob("*_pb2.py"):
        path.write_text("# ruff: noqa\n# fmt: off\n" + CHECK.sub("", path.read_text()))
    for path in HERE.glob("*_pb2.pyi"):
        path.write_text('# ruff: noqa\n# fmt: off\n# mypy: disable-error-code="type-arg"\n' + path.read_text())


if __name__ == "__main__":
    generate()
