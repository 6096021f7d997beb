"""ORDER.json: whom a case is about, what is to be made, and for whom (docs/order.md).

The order is parsed where it arrives, then lives sealed beside the scans. Nothing of it goes into a
table, a message or a log; errors name fields, never values.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from worker.errors import Unusable

MAX_ORDER = 1 << 20
_USUAL_PURPOSE = "aligner-treatment"

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
_Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


def _iso_date(value: object) -> object:
    """Let nothing but `YYYY-MM-DD` through: the library would read bare digits as seconds since 1970."""
    if isinstance(value, date) or (isinstance(value, str) and len(value) == 10 and value.count("-") == 2):
        return value
    raise ValueError("not YYYY-MM-DD")


def _as_text(value: object) -> object:
    return str(value) if type(value) is int else value


def _arches(value: object) -> object:
    """Take one arch, a list of them, or `both`."""
    if value == "both":
        return ("upper", "lower")
    return (value,) if isinstance(value, str) else value


def _moment(value: str) -> str:
    datetime.fromisoformat(value)
    return value


_Date = Annotated[date, BeforeValidator(_iso_date)]
_Moment = Annotated[str, AfterValidator(_moment)]
_Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Patient(_Closed):
    """The subject as the clinic names them."""

    id: _Text
    issuer: _Text | None = None
    family_name: _Text
    given_name: _Text
    birth_date: _Date
    sex: Literal["F", "M", "O", "X"] | None = None
    phone: _Text | None = None
    email: _Text | None = None
    address: _Text | None = None
    citizenship: _Country | None = None
    residence: _Country | None = None


class Tooth(_Closed):
    """A tooth and the system its number is of: 11 to 28 exist in both."""

    number: Annotated[str, BeforeValidator(_as_text), StringConstraints(pattern=r"^[0-9]{1,2}$|^[A-T]$")]
    system: Literal["FDI", "Universal"]


class Prescription(_Closed):
    """What the recipient is to make."""

    arches: Annotated[tuple[Literal["upper", "lower"], ...], BeforeValidator(_arches)] = ()
    teeth: tuple[Tooth, ...] = ()
    notes: Annotated[str, StringConstraints(max_length=5000)] | None = None


class Consent(_Closed):
    """One consent as the clinic recorded it."""

    purpose: _Code
    recipient: _Code | None = None
    text_digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    given_at: _Moment
    channel: _Code
    guardian: bool | None = None


class Order(_Closed):
    """One order by a clinic for one subject."""

    patient: Patient
    purpose: _Code = _USUAL_PURPOSE
    prescription: Prescription | None = None
    consents: tuple[Consent, ...] = ()
    notice_version: _Text | None = None
    recipients: tuple[_Code, ...] = ()
    pixels_checked: bool = Field(default=False, strict=True)


@dataclass(frozen=True, slots=True, repr=False)
class CaseFile:
    """What is sealed beside the scans: the order, and the name each item was uploaded under."""

    order: Order
    names: tuple[str, ...]

    def to_json(self) -> bytes:
        """Return the form that `case_file` reads back."""
        order = self.order.model_dump(mode="json")
        return json.dumps({"order": order, "names": list(self.names)}).encode()


def parse(data: bytes) -> Order:
    """Return the order in `data`; raises `Unusable` naming the fields that are wrong or unknown."""
    if len(data) > MAX_ORDER:
        raise Unusable("order-too-large", "the order is larger than 1 MiB", "leave out what is not in docs/order.md")
    try:
        return _checked(Order.model_validate_json(data))
    except ValidationError as error:
        faults = "; ".join(sorted({_fault(e["type"], e["loc"]) for e in error.errors(include_input=False)}))
        raise Unusable("order-invalid", f"the order cannot be used: {faults}", "see docs/order.md") from None


def _checked(order: Order) -> Order:
    """Return the order; its purpose goes into the log, which nobody can edit, so it must name nobody."""
    patient = order.patient
    named = f"{patient.id} {patient.family_name} {patient.given_name}"
    words = {word for word in re.split(r"[\W_]+", named.casefold()) if len(word) > 1}
    if order.purpose != _USUAL_PURPOSE and words & set(order.purpose.split("-")):
        raise Unusable("order-invalid", "the order cannot be used: purpose names the patient", "see docs/order.md")
    return order


def case_file(data: bytes) -> CaseFile:
    """Return what `CaseFile.to_json` wrote."""
    content = json.loads(data)
    return CaseFile(Order.model_validate(content["order"]), tuple(content["names"]))


def _fault(kind: str, place: tuple[int | str, ...]) -> str:
    field = ".".join(str(part) for part in place)
    if kind == "extra_forbidden":
        return f"unknown field {field}"
    if kind == "missing":
        return f"{field} is missing"
    return f"{field} is not valid" if field else "it is not a JSON object"
