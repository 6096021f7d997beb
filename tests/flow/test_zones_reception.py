"""Whoever accepts uploads opens what the portal may open, and never a key that opens or signs anything."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from installations import GIVEN, PATIENT, SURNAME, Clinic, installed, order, surface

_ACCEPTS = """
import json, sys
from pathlib import Path
opened = []
watched = ('open', 'sqlite3.connect', 'os.rename', 'os.link', 'os.symlink')
sys.addaudithook(lambda event, given: opened.append((event, str(given[0]))) if event in watched else None)
from worker import app
from worker.intake import Upload, accept
from worker.settings import Home
home, order, scan = Home(Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3])
reception = app.reception(home)
accepted = accept(reception, order.read_bytes(), ['lab-a'], [Upload(scan.name, [scan.read_bytes()])])
said = f'{reception!r}'
print(json.dumps({'opened': opened, 'said': said, 'transfers': accepted.transfers,
                  'modules': [name for name in sys.modules if name.startswith(('keys', 'worker', 'pipelines'))]}))
"""


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with installed(tmp_path_factory.mktemp("reception")) as made:
        yield made


@pytest.fixture(scope="module")
def accepted(clinic: Clinic, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[str]]]:
    """What a process that accepts one case opened, said and loaded."""
    folder = tmp_path_factory.mktemp("scans")
    (folder / "order.json").write_bytes(order())
    (folder / "scan.stl").write_bytes(surface(9, f"{GIVEN} {SURNAME} {PATIENT}"))
    given = map(str, (clinic.home.path, folder / "order.json", folder / "scan.stl"))
    command = [sys.executable, "-c", _ACCEPTS, *given]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found: dict[str, list[list[str]]] = json.loads(done.stdout)
    return found


def test_it_opens_the_portals_folder_the_settings_the_database_and_the_incoming_store(
    clinic: Clinic, accepted: dict[str, list[list[str]]]
) -> None:
    home = clinic.home
    inside = {Path(path) for _, path in accepted["opened"] if path.startswith(str(home.path))}
    beside = {path for path in inside if home.incoming not in (path, *path.parents)}
    assert inside - beside, "nothing was sealed into the store"
    assert beside == {home.settings, home.database, home.incoming_recipient, home.credential("enrol")}


def test_it_opens_no_secret_key_and_no_credential_of_the_worker(
    clinic: Clinic, accepted: dict[str, list[list[str]]]
) -> None:
    home = clinic.home
    opened = {Path(path) for _, path in accepted["opened"]}
    secrets = {home.incoming_identity, home.manifest_key, home.log_key}
    credentials = {home.credential("facts"), home.credential("assignment")}
    assert all(path.exists() for path in secrets | credentials)
    assert not opened & (secrets | credentials)
    assert not [path for path in opened if path.is_relative_to(home.path / "keys")]


def test_it_loads_no_code_that_parses_scans_or_reads_the_key_table(accepted: dict[str, list[list[str]]]) -> None:
    loaded = {str(name) for name in accepted["modules"]}
    assert "keys.client" in loaded
    assert not loaded & {"keys.table", "keys.app", "keys.wrapping", "keys.service"}
    assert not [name for name in loaded if name.startswith(("pipelines.dicom", "pipelines.raster"))]


def test_what_it_holds_can_be_printed_without_a_credential(
    clinic: Clinic, accepted: dict[str, list[list[str]]]
) -> None:
    assert clinic.home.credential("enrol").read_text().strip() not in str(accepted["said"])


def test_what_it_kept_cannot_be_read_without_the_workers_key(
    clinic: Clinic, accepted: dict[str, list[list[str]]]
) -> None:
    assert accepted["transfers"]
    kept = [path for path in clinic.home.path.rglob("*") if path.is_file() and "keys" not in path.parts]
    words = [word.casefold().encode() for word in (SURNAME, GIVEN, PATIENT)]
    assert not [path for path in kept for word in words if word in path.read_bytes().lower()]
