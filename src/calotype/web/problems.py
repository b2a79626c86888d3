"""Every error as a problem document (RFC 9457), made in one place.

Handlers raise ``calotype.errors``; this looks the HTTP status up in ``dicom.statuses``. Text from a request or a
file stands only inside JSON, sent as ``application/problem+json`` with ``nosniff``: nothing can run.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calotype.dicom.statuses import http_status
from calotype.errors import CalotypeError, Reason
from calotype.web.wording import said

MAX_DETAIL_CHARS: Final = 1000

_REASONS: Final[Mapping[int, Reason]] = {
    HTTPStatus.UNAUTHORIZED: Reason.REFUSED,
    HTTPStatus.FORBIDDEN: Reason.REFUSED,
    HTTPStatus.NOT_FOUND: Reason.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: Reason.UNSUPPORTED,
    HTTPStatus.INTERNAL_SERVER_ERROR: Reason.INTERNAL,
    HTTPStatus.SERVICE_UNAVAILABLE: Reason.UNAVAILABLE,
}
"""What a status means where nothing else is known; the others are faults of the request."""


class UnsupportedMediaType(CalotypeError):
    """The body is of a type that this resource does not take; the twin of Unsupported (406) for what comes in."""

    reason = Reason.UNSUPPORTED


class UnsupportedEncoding(UnsupportedMediaType):
    """The body is encoded (``Content-Encoding``), and this resource takes it only as it is."""


class RequestTimeout(CalotypeError):
    """The client stopped sending in the middle of its request."""

    reason = Reason.CANCELLED


def status_of(error: CalotypeError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, RequestTimeout):
        return HTTPStatus.REQUEST_TIMEOUT
    return http_status(error.reason, request_body=isinstance(error, UnsupportedMediaType))


def problem(
    status: int, detail: str, *, reason: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a problem document; ``detail`` says what was wrong and what to do, ``said`` the same in codes."""
    body: dict[str, object] = {"type": "about:blank", "title": _phrase(status), "status": status}
    told = speakable(detail)
    if detail:
        body["detail"] = told
    if reason is not None:
        body["reason"] = reason
    body["said"] = said(told or _phrase(status), reason or _REASONS.get(status, Reason.INVALID_REQUEST))
    return Response(
        orjson.dumps(body), status_code=status, headers=dict(headers or {}), media_type="application/problem+json"
    )


def install(app: FastAPI) -> None:
    """Let ``app`` answer every error with a problem document."""
    app.add_exception_handler(CalotypeError, _on_calotype_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_bad_parameters)
    app.add_exception_handler(Exception, _on_bug)


async def _on_calotype_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, CalotypeError)  # noqa: S101 - Starlette chooses handlers by class
    status = status_of(error)
    headers = {}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "10"
    if isinstance(error, UnsupportedEncoding):
        # RFC 9110 12.5.3, 15.5.16: so a client knows that it was the encoding, and what to do instead.
        headers["Accept-Encoding"] = "identity"
    return problem(status, str(error), reason=error.reason.value, headers=headers)


async def _on_http_exception(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette chooses handlers by class
    detail = error.detail if error.detail != _phrase(error.status_code) else ""
    return problem(error.status_code, detail, headers=error.headers)


async def _on_bad_parameters(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - Starlette chooses handlers by class
    told = [f"{'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}" for fault in error.errors()]
    return problem(HTTPStatus.BAD_REQUEST, "; ".join(told), reason=Reason.INVALID_REQUEST.value)


async def _on_bug(_request: Request, _error: Exception) -> Response:
    # Starlette raises the error again after this answer, so the server's log has the trace and the client has not.
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "An error in the server; its log tells more. Please report it.",
        reason=Reason.INTERNAL.value,
        # This answer is made outside the middleware that says so for all others.
        headers={"X-Content-Type-Options": "nosniff"},
    )


class Bugs:
    """Answers what our own bugs have left unanswered, inside of whatever adds headers to answers.

    Starlette's own place for that is outside of everything: a page of another origin could not read it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; answer when that fails before an answer has begun, and let the log have the trace."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = has_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if not has_begun:
                answer = await _on_bug(Request(scope), error)
                await answer(scope, receive, send)
            raise


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def speakable(text: str) -> str:
    """Return text as an answer may hold it: of a bounded length, on one line, without lone surrogates."""
    line = " ".join(text[:MAX_DETAIL_CHARS].split())
    return line.encode("utf-8", "replace").decode("utf-8")
