"""Settings, orders, states, entries, manifests, folders, options: the documents list what the code has."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest
from documents import named, page, rows, sections, spoken
from pydantic import BaseModel

from keys.places import Places
from keys.settings import Settings as KeysSettings
from pipelines.profile import EDITION, Clean, Retain, UnknownProfile, profile_named
from pipelines.roles import Role as ScanRole
from worker import leases
from worker.ledger.verification import SENTENCES
from worker.model import Basis, Role, State
from worker.orders import Order
from worker.package.manifest import RESERVED, Addressee, Digest, Manifest, PackedFile, Profile, Sender, Statement
from worker.records import Category, Entry, Event, Exporter, Importer, Method, Package, Pseudonymised, StatedBasis
from worker.records.registers import COLUMNS
from worker.settings import Home, Settings


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models(inner)


def _leaves(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Yield the dotted names of a model's fields, sections themselves left out."""
    for name, field in model.model_fields.items():
        inner = list(_models(field.annotation))
        if not inner:
            yield above + name
        for one in inner:
            yield from _leaves(one, f"{above}{name}.")


def _names(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Yield the dotted names of a model's fields, sections too."""
    for name, field in model.model_fields.items():
        yield above + name
        for one in _models(field.annotation):
            yield from _names(one, f"{above}{name}.")


def _keys(value: object, above: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _keys(inner, f"{above}.{name}" if above else name)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner, above)
    else:
        yield above


def test_every_setting_of_the_worker_is_documented() -> None:
    assert named(sections(page("docs/settings.md"), 2)["The worker"]) == set(_leaves(Settings))


def test_every_setting_of_the_key_service_is_documented() -> None:
    assert named(sections(page("docs/settings.md"), 2)["The key service"]) == set(KeysSettings.model_fields)


def test_every_field_of_an_order_is_documented() -> None:
    assert named(sections(page("docs/order.md"), 2)["Fields"]) == set(_names(Order))


def test_the_order_says_which_fields_are_required() -> None:
    documented = {row[0].strip("`"): row[1] for row in rows(page("docs/order.md"))}
    patient = next(_models(Order.model_fields["patient"].annotation))
    for name, field in patient.model_fields.items():
        assert documented[f"patient.{name}"] == ("yes" if field.is_required() else "no")


def test_every_field_of_a_basis_is_documented() -> None:
    assert named(page("docs/basis.md")) == {field.name for field in fields(Basis)}


def test_every_state_is_documented() -> None:
    text = page("docs/states.md").partition("\n## ")[0]
    assert named(text) == {str(state) for state in State}


def test_every_event_is_documented() -> None:
    assert named(sections(page("docs/states.md"), 2)["Events"]) == {str(event) for event in Event}


def test_the_lease_and_the_deaths_are_those_of_the_code() -> None:
    text = " ".join(page("docs/states.md").split())
    seconds = round(leases.LEASE.total_seconds())
    assert f"for {seconds} seconds and renews the lease every {seconds // 3} " in text
    assert f"After {leases.DEATHS} deaths" in text


def test_every_field_of_an_entry_is_documented() -> None:
    assert named(sections(page("docs/ledger.md"), 2)["A leaf"]) == {field.name for field in fields(Entry)}


@pytest.mark.parametrize("record", [Exporter, Importer, StatedBasis, Category, Pseudonymised, Package])
def test_every_field_inside_an_entry_is_documented(record: type[Exporter]) -> None:
    assert {field.name for field in fields(record)} <= spoken(sections(page("docs/ledger.md"), 2)["A leaf"])


def test_every_way_of_sealing_is_documented() -> None:
    assert {str(method) for method in Method} <= spoken(page("docs/ledger.md"))


def test_every_fault_of_a_ledger_is_documented() -> None:
    assert named(sections(page("docs/ledger.md"), 2)["Verifying"]) == {str(code) for code in SENTENCES}


def test_every_column_of_the_register_is_documented() -> None:
    text = sections(page("docs/ledger.md"), 2)["The register"]
    assert set(COLUMNS) <= spoken(text)
    assert [text.index(f"`{column}`") for column in COLUMNS] == sorted(text.index(f"`{column}`") for column in COLUMNS)


def test_every_field_of_a_manifest_is_documented() -> None:
    digest, now = Digest(1, "0" * 64), datetime(2026, 1, 1, tzinfo=UTC)
    clinic, lab = Sender("clinic", "DE"), Addressee("lab", "Lab", "0" * 64)
    statement = Statement("t", now, clinic, lab, "P", "purpose", now, Profile("aligner", "0" * 64))
    manifest = Manifest(statement, "key", digest, digest, (PackedFile("a.stl", "upper", "stl", 1, digest),))
    documented = named(sections(page("docs/package-format.md"), 2)["`manifest.json`"])
    assert documented == set(_keys(json.loads(manifest.encode())))


def test_every_member_and_every_role_of_a_package_is_documented() -> None:
    text = sections(page("docs/package-format.md"), 2)["The zip"]
    assert named(text) == set(RESERVED)
    assert {str(role) for role in ScanRole} <= spoken(text)


def test_every_role_of_a_recipient_is_documented() -> None:
    text = sections(page("docs/command-line.md"), 3)["`pseudodont recipient add`"]
    assert {str(role) for role in Role} <= spoken(text)


def test_every_file_of_an_installation_is_documented() -> None:
    root = Path("/nowhere")
    home, places = Home(root), Places.below(root)
    found = [getattr(home, name) for name, value in vars(Home).items() if isinstance(value, property)]
    found += [getattr(places, name) for name, value in vars(Places).items() if isinstance(value, property)]
    found += [home.credential(door) for door in ("enrol", "facts", "assignment")]
    text = sections(page("docs/operations.md"), 2)["The installation's folder"]
    assert {path.relative_to(root).as_posix() for path in found} == {row[0].strip("`") for row in rows(text)}


def test_every_option_of_a_profile_that_is_built_is_documented() -> None:
    tables = [row[0].strip("`") for row in rows(page("docs/profiles.md"))]
    assert set(tables) == {"basic", "aligner"} | {str(option) for option in [*Retain, *Clean]}
    for name in ("basic", "aligner"):
        profile = profile_named(name)
        stated = next(row[1] for row in rows(page("docs/profiles.md")) if row[0] == f"`{name}`")
        assert {str(option) for option in [*profile.retains, *profile.cleans]} == spoken(stated)


def test_what_conformance_calls_not_implemented_is_refused() -> None:
    for option in ("uids", "safe-private", "device-identity", "institution-identity", "longitudinal-full-dates"):
        with pytest.raises(UnknownProfile):
            profile_named("basic", [option])
    for option in ("recognizable-visual-features", "graphics", "structured-content", "descriptors"):
        with pytest.raises(UnknownProfile):
            profile_named("basic", [], [option])


def test_conformance_names_the_edition_and_every_code_that_is_claimed() -> None:
    text = page("docs/conformance.md")
    assert EDITION in text
    assert EDITION in page("docs/profiles.md")
    assert all(code in text for code, _ in profile_named("aligner").method_codes)
