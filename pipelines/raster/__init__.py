"""Rewrite a photograph so that its pixels are left and what was written about them is not.

Nothing is decoded and encoded again: the compressed pixels are ranges of the source. What is kept
besides is listed, everything else goes.
"""

from __future__ import annotations

from pipelines.cleaned import Context, Deidentified
from pipelines.errors import NeedsPerson, Undecodable
from pipelines.kinds import Format, identify
from pipelines.raster import jpeg, png
from pipelines.reader import Reader


def clean(source: Reader, context: Context) -> Deidentified:
    """Rewrite a JPEG or PNG; raise `NeedsPerson` where nobody looked for names in its pixels."""
    found = identify(source)
    if found is Format.JPEG:
        cleaned = jpeg.clean(source)
    elif found is Format.PNG:
        cleaned = png.clean(source)
    else:
        raise Undecodable("image-format-unsupported")
    if context.profile.cleans_pixels and not context.pixels_checked:
        raise NeedsPerson("pixels-unchecked")
    return cleaned
