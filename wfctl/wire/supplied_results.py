"""The request of a rerun with supplied results, which Dapr does not have: JSON, on a method of wfctl's own."""

from __future__ import annotations

import json

from wfctl.model.instance import RerunRequest


def write(request: RerunRequest, new_id: str) -> str:
    return json.dumps(
        {
            "sourceInstanceID": request.source,
            "eventID": request.event_id,
            "newInstanceID": new_id,
            "input": request.input,
            "overwriteInput": request.overwrite_input,
            "results": [{"eventID": event_id, "result": result} for event_id, result in request.results],
        }
    )


def read(text: str) -> RerunRequest:
    """Read what `write` writes. Raises ValueError."""
    try:
        given = json.loads(text)
        results = tuple((int(one["eventID"]), str(one["result"])) for one in given["results"])
        return RerunRequest(
            str(given["sourceInstanceID"]),
            int(given["eventID"]),
            str(given["newInstanceID"]),
            None if given["input"] is None else str(given["input"]),
            bool(given["overwriteInput"]),
            results=results,
        )
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not a rerun: {error!r}") from error
