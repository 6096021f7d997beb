"""De-identify one DICOM object by a profile of PS3.15 Annex E, without holding it in memory."""

from __future__ import annotations

from pipelines.cleaned import Context, Deidentified
from pipelines.dicom.dummies import write_code_item
from pipelines.dicom.elements import Encoding, Source, place
from pipelines.dicom.envelope import IMPLEMENTATION_VERSION, Envelope, opened, written
from pipelines.dicom.header import Header, describe
from pipelines.dicom.pictures import is_picture
from pipelines.dicom.seen import Seen
from pipelines.dicom.values import padded
from pipelines.dicom.walk import BURNED_IN, IMAGE_TYPE, PATIENT_ID, PATIENT_NAME, SOP_CLASS, SOP_INSTANCE, Walk
from pipelines.dicom.writer import Writer
from pipelines.errors import NeedsPerson, Undecodable
from pipelines.profile import Profile
from pipelines.reader import Reader
from pipelines.report import Action, Finding
from pipelines.segments import Literal
from pipelines.text import Charset
from pipelines.uids import Uids

__all__ = ["Header", "clean", "describe", "own_texts"]

_DIRECTORY = "1.2.840.10008.1.3.10"


def clean(source: Reader, context: Context) -> Deidentified:
    """Return the object without what the profile removes; pixels stay bit for bit.

    Raises `Undecodable` for what cannot be understood whole, `NeedsPerson` for pictures that nobody
    has looked at.
    """
    envelope, reader = opened(source)
    if envelope.sop_class == _DIRECTORY:
        raise Undecodable("dicomdir")
    added = _added(context, envelope.encoding)
    walk = Walk(Source(reader), envelope, context, Charset())
    body = walk.in_order(added)
    if walk.seen.disordered:
        walk = Walk(Source(reader), envelope, context, walk.seen.charset)
        body = walk.sorted(added)
        walk.seen.note("order of attributes", Action.C)
    _check_pixels(walk.seen, envelope, context)
    sop_class = walk.seen.values.get(SOP_CLASS) or envelope.sop_class
    instance = walk.seen.values.get(SOP_INSTANCE) or envelope.sop_instance
    uids = Uids(context.replacement.uid_key)
    head = written(
        envelope.syntax,
        uids.unless_standard(sop_class) if sop_class else "",
        uids.unless_well_known(instance) if instance else "",
    )
    findings = (Finding("preamble", Action.Z), Finding("file meta information", Action.D))
    return Deidentified((head, *body), findings + walk.seen.findings(), ".dcm")


def own_texts(profile: Profile) -> frozenset[tuple[int, str]]:
    """Return the values that `clean` writes besides replacements, by tag: they come from no patient."""
    written = {(0x00120062, "YES"), (0x00280303, "MODIFIED"), (0x00280303, "REMOVED")}
    written |= {(0x00120063, text) for text in profile.method}
    for code, meaning in profile.method_codes:
        written |= {(0x00080100, code), (0x00080102, "DCM"), (0x00080104, meaning)}
    return frozenset(written | {(0x00020013, IMPLEMENTATION_VERSION)})


def _check_pixels(seen: Seen, envelope: Envelope, context: Context) -> None:
    if not seen.pixels or context.pixels_checked or not context.profile.cleans_pixels:
        return
    sop_class = seen.values.get(SOP_CLASS) or envelope.sop_class
    if is_picture(sop_class, seen.values.get(IMAGE_TYPE, ""), seen.values.get(BURNED_IN, "")):
        raise NeedsPerson("pixels-unchecked", place(0x7FE00010))


def _added(context: Context, encoding: Encoding) -> dict[int, bytes]:
    """Return the elements that say who the subject is now, and what was done (PS3.15 E.1.1)."""
    profile, pseudonym = context.profile, context.replacement.pseudonym
    dates = "MODIFIED" if profile.shifts_dates else "REMOVED"
    plain = (
        (PATIENT_NAME, "PN", pseudonym),
        (PATIENT_ID, "LO", pseudonym),
        (0x00120062, "CS", "YES"),
        (0x00120063, "LO", "\\".join(profile.method)),
        (0x00280303, "CS", dates),
    )
    added = {tag: _encoded(encoding, tag, vr, text) for tag, vr, text in plain}
    added[0x00120064] = _codes(profile, encoding)
    return added


def _encoded(encoding: Encoding, tag: int, vr: str, text: str) -> bytes:
    out = Writer(encoding, ())
    out.element(tag, vr, padded(text, vr))
    return _literal(out)


def _codes(profile: Profile, encoding: Encoding) -> bytes:
    out = Writer(encoding, ())
    out.open_sequence(0x00120064)
    for value, meaning in profile.method_codes:
        write_code_item(out, value, "DCM", meaning)
    out.close_sequence()
    return _literal(out)


def _literal(out: Writer) -> bytes:
    return b"".join(part.data for part in out.segments() if isinstance(part, Literal))
