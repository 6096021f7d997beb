"""Small radiographs of the patient whom the cases of `installations` are about."""

from __future__ import annotations

from dicom_objects import as_file, ct
from installations import GIVEN, PATIENT, SURNAME, upload
from pydicom.dataset import Dataset

from worker.intake import Upload

PLANTED = (SURNAME, GIVEN, PATIENT, "ROOMPLANTED", "19910713")
"""Words of the patient in every radiograph; the room is one of the clinic's own machines."""

STUDY = "1.2.276.0.7230010.3.1.2.5550417"


def radiograph(study: str = STUDY, day: str = "20260914", instance: str = "1") -> Dataset:
    """A panoramic radiograph of `day`, a picture that may have a name burned into it."""
    ds = ct()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    ds.SOPInstanceUID = f"{study}.9.{instance}"
    ds.Modality = "PX"
    ds.ImageType = ["ORIGINAL", "PRIMARY", ""]
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study, f"{study}.7"
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = day
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = f"{SURNAME}^{GIVEN}", PATIENT, "19910713"
    return ds


def film(study: str = STUDY, day: str = "20260914", instance: str = "1") -> Upload:
    """The radiograph as a file to hand in, named as clinics name files."""
    return upload(f"{SURNAME}_{GIVEN}_panoramic.dcm", as_file(radiograph(study, day, instance)))
