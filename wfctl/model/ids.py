"""The rules of instance IDs. There are two, and this is the one place that has them.

`fault` is what every door refuses: IDs are written one a line, typed, and completed by shells, so that an ID must be
one line that is seen as it is. `fault_of_new` is Dapr's own rule for a start over its HTTP and general gRPC APIs
(dapr/dapr pkg/api/universal/workflow.go): 1 to 64 bytes of letters, digits, `-` and `_`. Dapr's task hub checks
nothing, and an ID with `||` in it breaks that runtime's listing, so that the commands keep to the stricter rule.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_BYTES = 64

# C0 and C1 controls, DEL, line and paragraph separators, everything that turns the direction of writing,
# zero-width joiners' dangerous kin, half surrogates (undecodable bytes of the command line), and what is not seen at
# all: the soft hyphen, annotations, and the plane of tags, with which a text can be hidden in another one.
UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff"
    r"\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an ID cannot be used. `text` is a sentence that shows the ID with escapes, `hint` says which can."""

    text: str
    hint: str
    too_long: bool = False


def fault(instance_id: str) -> Fault | None:
    """Return what no instance may be called, whoever chooses the ID; None for an ID that is one plain line."""
    if not instance_id:
        return Fault("an instance ID is empty", "give it letters, digits, - and _")
    unsafe = UNSAFE.search(instance_id)
    if unsafe is not None:
        return Fault(
            f"the instance ID {instance_id!r} has {unsafe.group()!r} in it: no ID can have control characters",
            "neither can it have invisible characters or broken Unicode: give it letters, digits, - and _",
        )
    if instance_id.strip() != instance_id:
        return Fault(
            f"the instance ID {instance_id!r} begins or ends with a space, which no ID can", "leave the space out"
        )
    return None


def fault_of_new(instance_id: str) -> Fault | None:
    """Return why Dapr's API, and with it every command, takes no new instance of this ID; None where it does."""
    if len(instance_id.encode(errors="surrogatepass")) > MAX_BYTES:
        return Fault(
            f"the instance ID {instance_id!r} is longer than {MAX_BYTES} bytes", f"{MAX_BYTES} bytes at most", True
        )
    found = fault(instance_id)
    if found is not None:
        return found
    bad = next((char for char in instance_id if not (char in "-_" or _letter_or_digit(char))), None)
    if bad is not None:
        return Fault(f"the instance ID {instance_id!r} has {bad!r} in it", "letters, digits, - and _")
    return None


def on_a_line(instance_id: str) -> bool:
    """Tell whether the ID, written alone on a line, is read back as itself by a command's `-`.

    A line that begins with `{` or `[` is JSON there.
    """
    return fault(instance_id) is None and instance_id[0] not in "{["


def _letter_or_digit(char: str) -> bool:
    # Go's unicode.IsLetter and IsDigit: categories L* and Nd.
    return unicodedata.category(char) in ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd")
