"""Read an instance and all that is below it: for `wfctl tree`, and for its section on the screen of `wfctl ui`."""

from __future__ import annotations

from collections.abc import Iterator

from wfctl.client.port import Workflows
from wfctl.model.apps import stored
from wfctl.model.instance import Filter, Instance
from wfctl.render.views.tree import Node, walk


def descendants(
    workflows: Workflows, root: Instance, deepest: int | None = None, *, payloads: bool = True
) -> Iterator[Node]:
    """Yield the instance, then its children in every app, each with its own, as they are read."""

    def children(of: Instance) -> list[Instance]:
        found = workflows.list(Filter(parent_id=of.id, parent_app=stored(of.app_id)), payloads=payloads)
        return sorted(found, key=lambda one: (one.created_at is not None, one.created_at, one.id))

    return walk(root, children, deepest)
