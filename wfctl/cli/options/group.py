"""Options that several commands share as a group.

    Chosen = Annotated[Filter, OptionGroup(options, take)]

    @command(app)
    def count(session: Session, chosen: Chosen) -> None: ...

The decorator `command` declares the group's options in the place of the one parameter, and hands over what `take` makes
of their values.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

Option = tuple[Any, Any]  # an annotation that Typer understands, and the default


@dataclass(frozen=True)
class OptionGroup:
    """`take` gets the value of each option by its name; so does `notes`, which says how they were understood."""

    options: Mapping[str, Option]
    take: Callable[..., Any]
    notes: Callable[..., Iterable[str]] = lambda **values: ()

    def parameters(self) -> list[inspect.Parameter]:
        return [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default) in self.options.items()
        ]

    def pop(self, values: dict[str, Any]) -> Any:
        """Take the group's values out of a command's, and return what they mean. Raises InvalidInput."""
        return self.take(**{name: values.pop(name) for name in self.options})

    def told(self, values: Mapping[str, Any]) -> Iterable[str]:
        """Return how the group's values were understood, where a user may want to know. Raises InvalidInput."""
        return self.notes(**{name: values[name] for name in self.options})


def group_of(parameter: inspect.Parameter) -> OptionGroup | None:
    """Return the group that a command's parameter stands for, if it does."""
    if get_origin(parameter.annotation) is not Annotated:
        return None
    return next((one for one in get_args(parameter.annotation)[1:] if isinstance(one, OptionGroup)), None)
