"""Bundles: instances with their histories in a file of JSON lines, to take along, compare, replay and import.

The first line is the header, then there is one line for each instance, and the last line says that the bundle is whole.
`docs/bundles.md` describes it for whoever reads one with other tools, `docs/schemas/bundle.json` each line.

    with open("orders.jsonl", "rb") as file:
        for one in read_bundle(file, "orders.jsonl"):
            print(one.instance.id, len(one.history))

Here is the format alone, on any stream. Who fills a bundle is a target (`Workflows.export`).
"""

from wfctl.bundle.exported import Exported as Exported
from wfctl.bundle.exported import Exports as Exports
from wfctl.bundle.exported import Header as Header
from wfctl.bundle.reader import BundleReader as BundleReader
from wfctl.bundle.reader import read_bundle as read_bundle
from wfctl.bundle.writer import BundleWriter as BundleWriter
