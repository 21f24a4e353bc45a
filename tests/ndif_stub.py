"""A STUB of an NDIF server: it speaks NDIF's wire protocol, and is not NDIF.

It runs a request's block with the calls of nnsight that NDIF itself uses, on a model it loads by name, in a
process that has no workbench. No queue, no GPU, no sandbox: it runs what it is sent, so it listens on
127.0.0.1 only.

    WS   /subscribe   gives a session id, then statuses as JSON and the result as one binary frame
    POST /request     form field `data` (routing, JSON) and file `blob` (the block)

Under /by-url/ the result is fetched from an address of its own, as NDIF does with large ones. Under /mute/,
/babble/, /hang-up/ and /freeze/ it fails on purpose.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import threading
import uuid

import torch
import tornado.web
import tornado.websocket
import zstandard
from nnsight.modeling.huggingface import HuggingFaceModel
from nnsight.schema.request import RequestModel
from nnsight.schema.response import ResponseModel, Status
from nnsight.tracing.tracer import _saves, dec, inc

SESSIONS: dict[str, Subscribe] = {}
MODELS: dict[str, HuggingFaceModel] = {}
RESULTS: dict[str, bytes] = {}


class Subscribe(tornado.websocket.WebSocketHandler):
    def open(self, way):
        session = uuid.uuid4().hex
        SESSIONS[session] = self
        if way == "babble":
            self.write_message("hello there")
        elif way != "mute":
            self.write_message(json.dumps({"session_id": session}))


class Request(tornado.web.RequestHandler):
    def post(self, way):
        request = RequestModel.model_validate_json(self.get_body_argument("data"))
        blob = self.request.files["blob"][0].body
        session, loop, number = SESSIONS[request.session_id], asyncio.get_running_loop(), uuid.uuid4().hex
        base = f"{self.request.protocol}://{self.request.host}"

        def tell(status, description="", data=None):
            message = ResponseModel(id=number, status=status, description=description, data=data)
            frame = message.pickle() if isinstance(data, bytes) else message.model_dump_json()
            loop.call_soon_threadsafe(session.write_message, frame, isinstance(frame, bytes))

        def job():
            try:
                tell(Status.RUNNING, "Your job has started running.")
                result = run(request, blob)
                if way == "by-url":
                    RESULTS[number] = result
                    result = f"{base}/result/{number}"
                tell(Status.COMPLETED, "Your job has been completed.", result)
            except BaseException as problem:  # as NDIF does: whatever happened is told to the client
                tell(Status.ERROR, f"Traceback ...\n{type(problem).__name__}: {problem}")

        if way == "hang-up":
            session.close()
        elif way != "freeze":
            threading.Thread(target=job, daemon=True).start()
        self.write(ResponseModel(id=number, status=Status.RECEIVED).model_dump_json())


class Result(tornado.web.RequestHandler):
    def get(self, number):
        self.write(RESULTS.pop(number))


def run(request: RequestModel, blob: bytes) -> bytes:
    model = MODELS.get(request.model_key)
    if model is None:
        model = HuggingFaceModel.from_model_key(request.model_key, dispatch=True, dtype=torch.float32)
        MODELS[request.model_key] = model
    model._remoteable_set_env(request.env)
    tracer = RequestModel.deserialize(blob, model._remoteable_persistent_objects(), compress=request.compress)
    inc()
    try:
        tracer.execute(tracer.info.code)
        kept = _saves()
        saved = {name: value for name, value in tracer.info.frame.f_locals.items() if id(value) in kept}
    finally:
        dec()
        model.interleaver.cancel()
    buffer = io.BytesIO()
    torch.save(saved, buffer)
    return zstandard.ZstdCompressor().compress(buffer.getvalue()) if request.compress else buffer.getvalue()


async def main() -> None:
    routes = [
        (r"/(?:([\w-]+)/)?subscribe", Subscribe),
        (r"/(?:([\w-]+)/)?request", Request),
        (r"/result/(.+)", Result),
    ]
    server = tornado.web.Application(routes).listen(0, "127.0.0.1")
    (socket,) = server._sockets.values()
    print(socket.getsockname()[1], flush=True)
    # It ends when whoever started it ends.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    sys.modules["workbench"] = None  # a server has no workbench: an import of it must fail
    torch.set_num_threads(1)
    asyncio.run(main())
