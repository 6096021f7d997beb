"""DICOM objects made for tests, cleaned and read back by pydicom as a second opinion."""

from __future__ import annotations

import io
import warnings

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from pipelines.cleaned import Context, Deidentified
from pipelines.dicom import clean
from pipelines.profile import profile_named
from pipelines.reader import BytesReader
from pipelines.replacement import Replacement
from pipelines.segments import stream
from pipelines.terms import Term, TermKind

PSEUDONYM = "K7WQ-M2XD-9"
STUDY = "1.2.276.0.7230010.3.1.2.1"


def context(
    profile: str = "aligner",
    *,
    words: tuple[str, ...] = (),
    days: int = -37,
    key: bytes = b"k" * 32,
    pixels_checked: bool = True,
) -> Context:
    """A context whose terms are `words`."""
    terms = frozenset(Term(word.casefold(), TermKind.NAME) for word in words)
    return Context(Replacement(PSEUDONYM, key, days), profile_named(profile), terms, pixels_checked)


def ct(number: int = 1) -> Dataset:
    """A small CT slice of an invented patient."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = f"1.2.276.0.7230010.3.1.4.{number}"
    ds.StudyDate, ds.StudyTime = "20260914", "100912"
    ds.Modality = "CT"
    ds.PatientName, ds.PatientID = "Niroloez^Eman", "PAT-0098123"
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = "19840229", "F", "042Y"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = STUDY, STUDY + ".7"
    ds.InstanceNumber = number
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows = ds.Columns = 4
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    ds.PixelSpacing = ["0.16", "0.16"]
    ds.PixelData = bytes(range(32))
    ds["PixelData"].VR = "OW"
    return ds


def as_file(ds: Dataset, syntax: str = ExplicitVRLittleEndian, preamble: bytes = bytes(128)) -> bytes:
    """The object as the bytes of a file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", CTImageStorage)
    meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", "1.2.3")
    meta.TransferSyntaxUID = UID(syntax)
    meta.SourceApplicationEntityTitle = "ROOMPLANTED"
    ds.file_meta = meta
    ds.preamble = preamble
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def output(data: bytes, result: Deidentified) -> bytes:
    """The bytes that the segments of `result` describe."""
    return b"".join(stream(result.segments, BytesReader(data)))


def cleaned(data: bytes, how: Context | None = None) -> bytes:
    """The file `data`, cleaned."""
    return output(data, clean(BytesReader(data), how or context()))


def read(data: bytes) -> Dataset:
    """The object in the bytes of a file, as pydicom reads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(io.BytesIO(data))


def recleaned(ds: Dataset, how: Context | None = None) -> Dataset:
    """The object `ds` written, cleaned and read back."""
    return read(cleaned(as_file(ds), how))
