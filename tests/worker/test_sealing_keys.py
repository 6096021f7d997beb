"""Keys as text: what people exchange, paste and keep in files."""

from __future__ import annotations

import hashlib
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sealing import (
    BadKey,
    Identity,
    Kind,
    NoMatch,
    generate_identity,
    is_post_quantum,
    open_stream,
    parse_identities,
    parse_identity,
    parse_recipient,
    seal,
    sealed_size,
)
from worker.sealing.bech32 import decode, encode

KINDS = pytest.mark.parametrize("kind", list(Kind), ids=[kind.name.lower() for kind in Kind])


@KINDS
def test_a_key_reads_back_as_it_was_written(kind: Kind) -> None:
    identity = generate_identity(kind)
    assert parse_identity(identity.text) == identity
    assert parse_recipient(identity.recipient.text) == identity.recipient


def test_the_kind_shows_in_the_text() -> None:
    classic, quantum = generate_identity(Kind.CLASSIC), generate_identity(Kind.POST_QUANTUM)
    assert classic.text.startswith("AGE-SECRET-KEY-1")
    assert classic.recipient.text.startswith("age1")
    assert quantum.text.startswith("AGE-SECRET-KEY-PQ-1")
    assert quantum.recipient.text.startswith("age1pq1")


@KINDS
def test_the_text_of_a_recipient_tells_whether_it_is_post_quantum(kind: Kind) -> None:
    assert is_post_quantum(generate_identity(kind).recipient.text) == (kind is Kind.POST_QUANTUM)


def test_post_quantum_is_the_default() -> None:
    assert generate_identity().kind is Kind.POST_QUANTUM


@KINDS
def test_the_fingerprint_is_the_digest_of_the_text(kind: Kind) -> None:
    recipient = generate_identity(kind).recipient
    assert recipient.fingerprint == hashlib.sha256(recipient.text.encode()).hexdigest()


@KINDS
def test_an_identity_never_shows_its_secret_by_accident(kind: Kind) -> None:
    identity = generate_identity(kind)
    shown = f"{identity!r} {identity} {(identity,)}"
    assert repr(identity.secret) not in shown
    assert identity.text not in shown


def test_an_identity_file_has_comments_and_several_keys() -> None:
    keys = tuple(generate_identity(kind) for kind in Kind)
    text = f"# created: today\r\n\n# public key: x\n{keys[0].text}\r\n  {keys[1].text}  \n"
    assert parse_identities(text) == keys


def test_a_file_with_two_identities_is_not_one_identity() -> None:
    with pytest.raises(BadKey, match="identity-count"):
        parse_identity("\n".join(generate_identity(kind).text for kind in Kind))


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\n\n"])
def test_a_file_without_an_identity_is_refused(text: str) -> None:
    with pytest.raises(BadKey, match="identity-count"):
        parse_identities(text)


@KINDS
@pytest.mark.parametrize("place", [0, 5, 30, -1])
def test_a_wrong_letter_is_found(kind: Kind, place: int) -> None:
    identity = generate_identity(kind)
    for text, parse in ((identity.text, parse_identity), (identity.recipient.text, parse_recipient)):
        wrong = "q" if text[place].lower() != "q" else "p"
        changed = list(text)
        changed[place] = wrong.upper() if text[place].isupper() else wrong
        with pytest.raises(BadKey):
            parse("".join(changed))


@pytest.mark.parametrize(
    "text",
    ["age1", "1", "ssh-ed25519 AAAA", "age1tag1qqqq", "AGE-SECRET-KEY-1", "äge1qqqqqqqq", "age" + "1" * 70],
)
def test_what_is_no_key_is_refused_without_being_quoted(text: str) -> None:
    for parse in (parse_recipient, parse_identity):
        with pytest.raises(BadKey) as caught:
            parse(text)
        assert text not in "".join(traceback.format_exception_only(caught.value))


def test_an_identity_is_no_recipient() -> None:
    with pytest.raises(BadKey, match="recipient-kind"):
        parse_recipient(generate_identity().text)


def test_mixed_case_is_refused() -> None:
    text = generate_identity(Kind.CLASSIC).recipient.text
    with pytest.raises(BadKey, match="key-case"):
        parse_recipient(text[:10] + text[10:].upper())
    with pytest.raises(BadKey, match="key-case"):
        parse_identity(generate_identity(Kind.CLASSIC).text.lower())


@pytest.mark.parametrize("size", [0, 31, 33, 1215])
def test_a_key_of_another_length_is_refused(size: int) -> None:
    for prefix in ("age", "age1pq"):
        with pytest.raises(BadKey, match="key-length"):
            parse_recipient(encode(prefix, bytes(size)))


def test_a_key_that_leads_to_a_secret_everybody_knows_is_refused() -> None:
    with pytest.raises(BadKey, match="key-value"):
        parse_recipient(encode("age", bytes(32)))
    public = generate_identity().recipient.public
    with pytest.raises(BadKey, match="key-value"):
        parse_recipient(encode("age1pq", public[:-32] + bytes(32)))


def test_an_encapsulation_key_that_is_not_reduced_is_refused() -> None:
    public = generate_identity().recipient.public
    with pytest.raises(BadKey, match="key-value"):
        parse_recipient(encode("age1pq", b"\xff" * 1152 + public[1152:]))


@given(st.binary(max_size=80), st.sampled_from(["age", "age1pq", "x"]))
def test_bech32_reads_back_what_it_wrote(data: bytes, prefix: str) -> None:
    assert decode(encode(prefix, data)) == (prefix, data)
    assert decode(encode(prefix, data).upper()) == (prefix, data)


@KINDS
def test_nobody_else_opens_it(kind: Kind) -> None:
    sealed = list(seal([b"x"], generate_identity(kind).recipient))
    with pytest.raises(NoMatch, match="sealed-to-others"):
        list(open_stream(sealed, [generate_identity(each) for each in Kind]))


@KINDS
@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 131072])
def test_the_size_is_known_beforehand(kind: Kind, size: int) -> None:
    recipient = generate_identity(kind).recipient
    assert len(b"".join(seal([bytes(size)], recipient))) == sealed_size(size, recipient)


@KINDS
def test_no_two_files_are_sealed_alike(kind: Kind) -> None:
    recipient = generate_identity(kind).recipient
    assert b"".join(seal([b"x"], recipient)) != b"".join(seal([b"x"], recipient))


def test_a_classic_file_repeats_under_the_same_randomness() -> None:
    recipient = Identity(Kind.CLASSIC, b"\x01" * 32).recipient
    first, second = (b"".join(seal([b"x"], recipient, random=bytes)) for _ in range(2))
    assert first == second
