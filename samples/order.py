"""The order that comes with a case: whom it is for, and what the lab is to make."""

from __future__ import annotations

import json

from samples.identities import Planter


def order(planter: Planter) -> bytes:
    """Return ORDER.json for the planter's identity; every field of `patient` is noted."""
    identity = planter.identity
    born = identity.birth_date
    patient = {
        "id": identity.patient_id,
        "issuer": identity.issuer,
        "family_name": identity.family,
        "given_name": identity.given,
        "birth_date": f"{born[:4]}-{born[4:6]}-{born[6:]}",
        "sex": identity.sex,
        "phone": identity.phone,
        "email": identity.email,
        "address": identity.address,
        "citizenship": identity.country,
        "residence": identity.country,
    }
    content = {
        "patient": patient,
        "purpose": "aligner-treatment",
        "prescription": {
            "arches": ["upper", "lower"],
            "teeth": [{"number": number, "system": "FDI"} for number in (13, 12, 11, 21, 22, 23, 31, 41)],
            "notes": "Close the midline gap, align the lower front, no movement of 36; attachments allowed",
        },
        "pixels_checked": True,
    }
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    for key, value in patient.items():
        planter.note("order.json", f"patient.{key}", value)
    return text.encode()
