"""Profiles are named; a name that is not built is an error that lists those that are."""

from __future__ import annotations

import pytest

from pipelines.profile import UnknownProfile, profile_named, rule
from pipelines.report import Action


def test_an_unknown_profile_lists_the_known_ones() -> None:
    with pytest.raises(UnknownProfile, match="aligner, basic"):
        profile_named("everything")


@pytest.mark.parametrize("kind", ["retain", "clean"])
def test_an_option_that_is_not_built_lists_those_that_are(kind: str) -> None:
    with pytest.raises(UnknownProfile, match="pixel-data" if kind == "clean" else "patient-characteristics"):
        profile_named("basic", **{kind: ("uids",)})


def test_every_profile_and_option_has_its_own_digest() -> None:
    profiles = [
        profile_named("basic"),
        profile_named("aligner"),
        profile_named("basic", retain=["patient-characteristics"]),
        profile_named("basic", clean=["pixel-data"]),
    ]
    assert len({profile.digest for profile in profiles}) == len(profiles)
    assert profile_named("basic").digest == profiles[0].digest


def test_method_codes_say_only_what_was_done() -> None:
    assert [code for code, _ in profile_named("basic").method_codes] == ["113100"]
    assert [code for code, _ in profile_named("aligner").method_codes] == ["113100", "113107", "113108"]


def test_only_the_aligner_profile_holds_unchecked_pictures() -> None:
    assert profile_named("aligner").cleans_pixels
    assert not profile_named("basic").cleans_pixels


def test_a_date_moves_only_where_the_profile_keeps_dates() -> None:
    assert rule(profile_named("basic"), (), 0x00080020, "DA") is Action.Z
    assert rule(profile_named("aligner"), (), 0x00080020, "DA") is Action.C


def test_what_no_row_lists_has_no_rule() -> None:
    assert rule(profile_named("basic"), (), 0x00280010, "US") is None
