"""A JPEG as a clinic's camera leaves it: EXIF with GPS and owner, XMP, a comment, more after the end."""

from __future__ import annotations

import struct
from io import BytesIO

from PIL import ExifTags, Image

from samples.identities import Planter

_EXIF = b"Exif\0\0"
_TAKEN = "2026:09:14 10:21:07"


def jpeg(picture: Image.Image, planter: Planter, path: str) -> bytes:
    """Return `picture` as JPEG; what its metadata and trailing bytes say about the patient is noted."""
    identity = planter.identity
    comment = f"{identity.family} {identity.given}, {identity.patient_id}"
    exif = _with_thumbnail(_exif(planter, path).tobytes(), picture, planter, path)
    tail = f"IMG {identity.latin} {identity.email} {identity.phone}"
    buffer = BytesIO()
    picture.save(
        buffer,
        "JPEG",
        quality=88,
        exif=exif,
        xmp=_xmp(planter, path),
        comment=comment.encode(),
    )
    planter.note(path, "COM", comment)
    planter.note(path, "after EOI", tail)
    return buffer.getvalue() + tail.encode()


def _exif(planter: Planter, path: str) -> Image.Exif:
    identity = planter.identity
    exif = Image.Exif()
    texts = {
        ExifTags.Base.ImageDescription: f"{identity.latin} {identity.birth_date}",
        ExifTags.Base.Artist: f"{identity.latin_family} {identity.station}",
        ExifTags.Base.DateTime: _TAKEN,
    }
    inner = {
        ExifTags.Base.DateTimeOriginal: _TAKEN,
        ExifTags.Base.CameraOwnerName: f"{identity.station} {identity.clinic_domain}",
        ExifTags.Base.BodySerialNumber: identity.serial,
    }
    exif.update({int(tag): value for tag, value in texts.items()})
    exif[int(ExifTags.Base.Make)], exif[int(ExifTags.Base.Model)] = "Odontix", "Macro 105"
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details.update({int(tag): value for tag, value in inner.items()})
    for name, value in [*texts.items(), *inner.items()]:
        planter.note(path, f"EXIF {name.name}", value)
    note = f"ODONTIX\0{identity.family}|{identity.patient_id}|{identity.email}\0"
    details[int(ExifTags.Base.MakerNote)] = note.encode()
    planter.note(path, "EXIF MakerNote", note)
    remark = f"{identity.given} {identity.family}"
    details[int(ExifTags.Base.UserComment)] = b"UNICODE\0" + remark.encode("utf-16-le")
    planter.note(path, "EXIF UserComment", remark, "utf-16-le")
    _gps(exif, planter, path)
    return exif


def _with_thumbnail(exif: bytes, picture: Image.Image, planter: Planter, path: str) -> bytes:
    """Chain a second directory (IFD1) with a small JPEG of its own comment behind the first (EXIF 4.5.2)."""
    small, comment = picture.copy(), f"{planter.identity.family} {planter.identity.given}"
    small.thumbnail((160, 120))
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=70, comment=comment.encode())
    planter.note(path, "EXIF thumbnail COM", comment)
    image = buffer.getvalue()
    tiff = bytearray(exif.removeprefix(_EXIF))
    order = "<" if tiff[:2] == b"II" else ">"
    (first,) = struct.unpack_from(f"{order}I", tiff, 4)
    (entries,) = struct.unpack_from(f"{order}H", tiff, first)
    tiff += b"\0" * (len(tiff) % 2)
    struct.pack_into(f"{order}I", tiff, first + 2 + 12 * entries, len(tiff))
    directory = struct.pack(f"{order}H", 3) + struct.pack(f"{order}HHIHH", 0x0103, 3, 1, 6, 0)
    at = len(tiff) + len(directory) + 2 * 12 + 4
    directory += struct.pack(f"{order}HHII", 0x0201, 4, 1, at)
    directory += struct.pack(f"{order}HHII", 0x0202, 4, 1, len(image)) + bytes(4)
    return _EXIF + bytes(tiff) + directory + image


def _gps(exif: Image.Exif, planter: Planter, path: str) -> None:
    """A place in the North Sea, and the street spelt out."""
    area = planter.identity.address
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[int(ExifTags.GPS.GPSLatitudeRef)], gps[int(ExifTags.GPS.GPSLatitude)] = "N", (54.0, 41.0, 7.25)
    gps[int(ExifTags.GPS.GPSLongitudeRef)], gps[int(ExifTags.GPS.GPSLongitude)] = "E", (6.0, 12.0, 33.5)
    gps[int(ExifTags.GPS.GPSAreaInformation)] = b"UNICODE\0" + area.encode("utf-16-le")
    gps[int(ExifTags.GPS.GPSDateStamp)] = _TAKEN[:10]
    planter.note(path, "EXIF GPSAreaInformation", area, "utf-16-le")
    planter.note(path, "EXIF GPSDateStamp", _TAKEN[:10])


def _xmp(planter: Planter, path: str) -> bytes:
    identity = planter.identity
    packet = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">'
        f"{identity.given} {identity.family}</rdf:li></rdf:Alt></dc:title><dc:creator><rdf:Seq><rdf:li>"
        f"{identity.clinic}, {identity.email}</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF>"
        '</x:xmpmeta><?xpacket end="w"?>'
    )
    planter.note(path, "XMP", packet)
    return packet.encode()
