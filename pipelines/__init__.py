"""Pure de-identification: a reader in, segments and a report out.

No clock, no randomness, no log, no network and no files but the tables of the standard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.errors import NeedsPerson, PipelineError, Undecodable
from pipelines.kinds import Format, Kind, identify
from pipelines.reader import Layers, Reader
from pipelines.replacement import Replacement
from pipelines.report import Action, Finding
from pipelines.segments import Literal, Range, Segment

if TYPE_CHECKING:
    from pipelines.cleaned import Context, Deidentified

__all__ = [
    "Action",
    "Finding",
    "Kind",
    "Layers",
    "Literal",
    "NeedsPerson",
    "PipelineError",
    "Range",
    "Reader",
    "Replacement",
    "Segment",
    "Undecodable",
    "deidentify",
]


def deidentify(source: Reader, kind: Kind, context: Context) -> Deidentified:
    """Return the cleaned form of one instance, or raise `PipelineError` with the reason it is held.

    The content decides, not the claim: a source that is not of `kind` is refused.
    """
    found = identify(source)
    if found.problem is not None or found.kind is not kind:
        raise Undecodable(found.problem or "kind-differs")
    if found is Format.DICOM:
        from pipelines import dicom

        return dicom.clean(source, context)
    if found is Format.STL_BINARY:
        from pipelines import surface

        return surface.clean(source, context)
    if found is Format.STL_ASCII:
        from pipelines import surface_text

        return surface_text.clean(source)
    if found in (Format.JPEG, Format.PNG):
        from pipelines import raster

        return raster.clean(source, context)
    raise Undecodable("archive-not-a-scan")
