"""The doors, over HTTP: authenticate, parse, call one function, answer.

A request is authenticated and measured before a byte of its body is parsed, and no answer quotes it.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from keys.credentials import Door, Hashes
from keys.errors import KeysError, KeysRefused
from keys.model import Enrolment, NamedTransfer, Subject
from keys.table import KeyTable

_log = logging.getLogger("keys")

_LARGEST = 64 * 1024
_DOORS = {
    "/v1/enrol": Door.ENROL,
    "/v1/facts": Door.FACTS,
    "/v1/assignment": Door.ASSIGNMENT,
    "/v1/close": Door.ASSIGNMENT,
}


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the doors need."""

    table: KeyTable
    credentials: Hashes


def _iso(text: str) -> str:
    return date.fromisoformat(text).isoformat()


_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$", max_length=128)]
_Text = Annotated[str, Field(max_length=1000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SubjectBody(_Body):
    """A subject as the enrol door takes it."""

    issuer: _Text
    patient_id: _Text
    family_name: _Text | None = None
    given_name: _Text | None = None
    birth_date: Annotated[_Text, AfterValidator(_iso)] | None = None
    sex: _Text | None = None
    phone: _Text | None = None
    email: _Text | None = None
    address: _Text | None = None
    citizenship: _Text | None = None
    residence: _Text | None = None


class TransferBody(_Body):
    """A named transfer as the enrol door takes it."""

    transfer_id: _Name
    domain: _Name
    expires: AwareDatetime


class EnrolmentBody(_Body):
    """What the enrol door takes."""

    case_id: _Name
    subject: SubjectBody
    transfers: Annotated[list[TransferBody], Field(min_length=1, max_length=100)]

    def enrolment(self) -> Enrolment:
        """Return the enrolment; refuse a transfer named twice."""
        if len({transfer.transfer_id for transfer in self.transfers}) < len(self.transfers):
            raise KeysRefused("request-invalid")
        transfers = tuple(NamedTransfer(t.transfer_id, t.domain, t.expires) for t in self.transfers)
        return Enrolment(self.case_id, Subject(**self.subject.model_dump()), transfers)


class TransferQuestion(_Body):
    """What the other doors take."""

    transfer_id: _Name


class FactsBody(_Body):
    """What the facts door answers."""

    subject_commitment: str


class AssignmentBody(_Body):
    """What the assignment door answers."""

    pseudonym: str
    uid_key: str
    date_shift_days: int


def application(services: Services) -> FastAPI:
    """Return the service's doors; nothing is listening yet."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.middleware("http")(_doorkeeper(services.credentials))
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _no_door)
    app.add_exception_handler(KeysError, _failed)
    _add_doors(app, services.table)
    return app


def _add_doors(app: FastAPI, table: KeyTable) -> None:
    @app.get("/v1/health")
    def health() -> dict[str, int]:
        return {"pid": os.getpid()}

    @app.post("/v1/enrol", status_code=204)
    def enrol(body: EnrolmentBody) -> None:
        table.enrol(body.enrolment())
        _log.info("enrol", extra={"case": body.case_id})

    @app.post("/v1/facts")
    def facts(question: TransferQuestion) -> FactsBody:
        found = table.facts(question.transfer_id)
        _log.info("facts", extra={"transfer": question.transfer_id})
        return FactsBody(subject_commitment=found.subject_commitment)

    @app.post("/v1/assignment")
    def assignment(question: TransferQuestion) -> AssignmentBody:
        found = table.assignment(question.transfer_id)
        _log.info("assignment", extra={"transfer": question.transfer_id})
        return AssignmentBody(
            pseudonym=found.pseudonym, uid_key=found.uid_key.hex(), date_shift_days=found.date_shift_days
        )

    @app.post("/v1/close", status_code=204)
    def close(question: TransferQuestion) -> None:
        table.close(question.transfer_id)
        _log.info("close", extra={"transfer": question.transfer_id})


_Next = Callable[[Request], Awaitable[Response]]


def _doorkeeper(credentials: Hashes) -> Callable[[Request, _Next], Awaitable[Response]]:
    async def keep(request: Request, call_next: _Next) -> Response:
        began = time.monotonic()
        code = _turned_away(request, credentials)
        response = _answer(code) if code else await call_next(request)
        if request.url.path in _DOORS:
            duration = round(time.monotonic() - began, 4)
            _log.info("answered", extra={"code": str(response.status_code), "duration": duration})
        return response

    return keep


def _turned_away(request: Request, credentials: Hashes) -> str | None:
    door = _DOORS.get(request.url.path)
    if door is None:
        return None
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credentials.opens(door, token):
        return "wrong-credential"
    length = request.headers.get("content-length", "")
    # Without a length the body could go on for ever.
    return None if length.isdecimal() and int(length) <= _LARGEST else "request-too-large"


def _answer(code: str) -> JSONResponse:
    reason = KeysError(code).reason
    _log.info("refused", extra={"code": code})
    return JSONResponse({"code": code, "hint": reason.hint}, status_code=reason.status)


async def _unreadable(_request: Request, _error: Exception) -> JSONResponse:
    return _answer("request-invalid")


async def _no_door(_request: Request, _error: Exception) -> JSONResponse:
    return _answer("door-unknown")


async def _failed(_request: Request, error: Exception) -> JSONResponse:
    return _answer(error.code if isinstance(error, KeysError) else "keys-failing")
