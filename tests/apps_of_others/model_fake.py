"""A language model on loopback: it answers as OpenAI's chat completions do, and calls the first tool once."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "The weather is fine."


def _reply(request: dict[str, Any]) -> dict[str, Any]:
    messages = request.get("messages", [])
    tools = request.get("tools") or []
    asked = any(message.get("role") == "tool" for message in messages)
    message: dict[str, Any] = {"role": "assistant", "content": _content(request)}
    reason = "stop"
    if tools and not asked:
        function = tools[0]["function"]
        wanted = function.get("parameters", {}).get("properties", {})
        call = {"name": function["name"], "arguments": json.dumps(dict.fromkeys(wanted, "Boston"))}
        message = {"role": "assistant", "content": None}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": call}]
        reason = "tool_calls"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": request.get("model", "fake"),
        "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def _content(request: dict[str, Any]) -> str:
    """A sentence, or what the demanded schema wants."""
    schema = request.get("response_format", {}).get("json_schema", {}).get("schema")
    return ANSWER if schema is None else json.dumps(_example(schema, schema.get("$defs", {})))


def _example(schema: dict[str, Any], known: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _example(known[schema["$ref"].rpartition("/")[2]], known)
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], known)
    kind = schema.get("type")
    if kind == "object":
        return {name: _example(found, known) for name, found in schema.get("properties", {}).items()}
    if kind == "array":
        return [_example(schema.get("items", {"type": "string"}), known)]
    return {"integer": 1, "number": 1.5, "boolean": True, "null": None}.get(str(kind), "fine")


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.dumps(_reply(json.loads(self.rfile.read(length)))).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def model() -> Iterator[str]:
    """Return its address, for OPENAI_BASE_URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
