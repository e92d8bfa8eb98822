"""Check instance IDs. This is the only place that has the two rules.

`fault` is refused everywhere: IDs are written one a line, typed and completed by shells, so an ID must be one line,
all of it visible. `fault_of_new` is Dapr's own rule for a start over its HTTP and general gRPC APIs
(dapr/dapr pkg/api/universal/workflow.go): 1 to 64 bytes of letters, digits, `-` and `_`. Dapr's task hub checks
nothing, and an ID with `||` in it breaks that runtime's list, so the commands use the stricter rule.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_BYTES = 64

# C0 and C1 controls, DEL, line and paragraph separators, bidirectional controls, zero-width characters, lone surrogates
# (undecodable bytes of the command line), the soft hyphen, annotations, and the tag characters, which can hide a text
# inside another.
UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff"
    r"\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an ID cannot be used. `text` is a sentence with the escaped ID, `hint` describes valid IDs."""

    text: str
    hint: str
    too_long: bool = False


def fault(instance_id: str) -> Fault | None:
    """Return the fault of an ID that no instance may have; None for an ID that is one plain line."""
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
    """Return why Dapr's API, and with it every command, refuses a new instance with this ID; None if it does not."""
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
