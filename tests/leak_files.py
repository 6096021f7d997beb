"""Small files with room for a planted text, for the tests of terms and leaks."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from pipelines.kinds import Kind
from pipelines.leaks import Generated, Hit, search
from pipelines.reader import BytesReader
from pipelines.terms import Term, TermKind, Terms

INSTANCE = "1.2.826.0.1.3680043.10.7777.1"


def data_set(charset: str | None = None, pixels: bytes = bytes(32)) -> Dataset:
    """Return a 4 by 4 picture that names nobody."""
    ds = Dataset()
    if charset is not None:
        ds.SpecificCharacterSet = charset.split("\\") if "\\" in charset else charset
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    ds.SOPInstanceUID = INSTANCE
    ds.ImageType = ["ORIGINAL", "PRIMARY", ""]
    ds.Modality = "DX"
    ds.SamplesPerPixel, ds.Rows, ds.Columns = 1, 4, 4
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.add_new(0x7FE00010, "OW", pixels)
    return ds


def dicom(ds: Dataset, syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """Return `ds` as a file with preamble and file meta information."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def raw_element(tag: int, vr: bytes, value: bytes) -> bytes:
    """Return one element in Explicit VR Little Endian with a 32 bit length."""
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, len(value)) + value


def with_private_bytes(value: bytes) -> bytes:
    """Return a DICOM file with `value` in a private element that says it is binary."""
    value += b"\0" * (len(value) % 2)
    ds = data_set()
    ds.private_block(0x0029, "EXAMPLE", create=True).add_new(0x01, "OB", value)
    return dicom(ds)


def jpeg(segments: bytes = b"", tail: bytes = b"") -> bytes:
    """Return a JPEG with `segments` after its first marker and `tail` after its end."""
    out = io.BytesIO()
    Image.effect_noise((64, 64), 80).save(out, "JPEG")
    data = out.getvalue()
    return data[:2] + segments + data[2:] + tail


def segment(code: int, payload: bytes) -> bytes:
    """Return one JPEG marker segment."""
    return bytes((0xFF, code)) + struct.pack(">H", len(payload) + 2) + payload


def png(chunks: bytes = b"", tail: bytes = b"") -> bytes:
    """Return a PNG with `chunks` after its header and `tail` after its end."""
    out = io.BytesIO()
    Image.effect_noise((64, 64), 80).save(out, "PNG")
    data = out.getvalue()
    return data[:33] + chunks + data[33:] + tail


def chunk(name: bytes, payload: bytes) -> bytes:
    """Return one PNG chunk."""
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))


def stl(header: bytes = b"", words: bytes = b"\0\0", count: int = 3, tail: bytes = b"") -> bytes:
    """Return a binary STL whose triangles carry two of the bytes `words` each, in turn."""
    pairs = [words[at : at + 2] for at in range(0, len(words), 2)]
    triangles = b"".join(bytes(48) + pairs[index % len(pairs)] for index in range(count))
    return header.ljust(80, b"\0") + struct.pack("<I", count) + triangles + tail


def names(*words: str) -> Terms:
    """Return terms of the kind of a name."""
    return frozenset(Term(word, TermKind.NAME) for word in words)


def hits(data: bytes, kind: Kind, terms: Terms, generated: Generated | None = None) -> tuple[Hit, ...]:
    """Return what the search finds in `data`."""
    return search(BytesReader(data), kind, terms, generated or Generated())
