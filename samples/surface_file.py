"""STL files as scanners export them: a name in the header, notes after the last triangle."""

from __future__ import annotations

import struct

import numpy as np

from samples.arches import Mesh
from samples.identities import Planter

_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def binary(mesh: Mesh, planter: Planter, path: str) -> bytes:
    """Return a binary STL; its 80 byte header and what follows the triangles name the patient."""
    identity = planter.identity
    head = f"ODONTIX SCAN {identity.latin} {identity.birth_date} {identity.bare_id}"
    tail = f"\nexported for {identity.family} {identity.given}, {identity.clinic}, {identity.serial}\n"
    planter.note(path, "header", head, "ascii")
    planter.note(path, "after the last triangle", tail)
    records = np.zeros(len(mesh.faces), _RECORD)
    records["normal"], records["corners"] = mesh.normals(), mesh.triangles()
    count = struct.pack("<I", len(records))
    return head.encode("ascii").ljust(80)[:80] + count + records.tobytes() + tail.encode()


def text(mesh: Mesh, planter: Planter, path: str) -> bytes:
    """Return an ASCII STL whose solid bears the patient's name, before and after the facets."""
    identity = planter.identity
    name = f"{identity.family} {identity.given} {identity.patient_id}"
    planter.note(path, "solid", name)
    planter.note(path, "endsolid", name)
    lines = [f"solid {name}"]
    for normal, corners in zip(mesh.normals().tolist(), mesh.triangles().tolist(), strict=True):
        lines.append("  facet normal {:.6e} {:.6e} {:.6e}".format(*normal))
        lines.append("    outer loop")
        lines += ["      vertex {:.6e} {:.6e} {:.6e}".format(*corner) for corner in corners]
        lines += ["    endloop", "  endfacet"]
    return "\n".join([*lines, f"endsolid {name}", ""]).encode()


def read(data: bytes) -> Mesh:
    """Return the triangles of a binary STL, none of them sharing a vertex."""
    (count,) = struct.unpack_from("<I", data, 80)
    records = np.frombuffer(data, _RECORD, count, 84)
    faces = np.arange(count * 3, dtype=np.int32).reshape(-1, 3)
    return Mesh(records["corners"].reshape(-1, 3).copy(), faces, np.ones(count, np.bool_))
