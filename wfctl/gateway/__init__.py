"""Dapr's workflow APIs over an embedded engine: what `wfctl serve` serves.

`server` puts it together; `service` is what both APIs can do, in the model's words; `http_*` and `grpc_*` speak it;
`work` is the worker's side. Only this package and async activities know asyncio.
"""
