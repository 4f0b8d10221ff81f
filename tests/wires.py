"""The wire replaced, never the client: answers in a row, and what was asked."""

from __future__ import annotations

import json
from typing import Any

import httpx


class Script(httpx.BaseTransport):
    """Gives ``answers`` in their order; an exception is raised. ``asked`` holds the requests."""

    def __init__(self, *answers: httpx.Response | BaseException) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The next answer."""
        request.read()
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def payload(self, number: int = 0) -> Any:
        """The JSON body of a request."""
        return json.loads(self.asked[number].content)


def answer(status: int, body: Any = None, **headers: str) -> httpx.Response:
    """A JSON answer; text is sent as it is."""
    content = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return httpx.Response(status, content=content, headers=headers)


LOST = httpx.ReadTimeout("")
CUT = httpx.RemoteProtocolError("")
REFUSED = httpx.ConnectError("")
