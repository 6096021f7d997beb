"""Recognise what a file is by its content, never by its name."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """The kinds a report names."""

    DICOM = "dicom"
    STL = "stl"
    PLY = "ply"
    OBJ = "obj"
    THREEMF = "3mf"
    IMAGE = "image"
    PDF = "pdf"
    ARCHIVE = "archive"
    UNKNOWN = "unknown"
