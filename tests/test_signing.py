"""Signed tokens, values and links: accepted unchanged, for their purpose, until they end."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import itsdangerous
import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous.encoding import base64_encode
from marshmallow import fields

from ramekin import App, Resource, Settings, returns
from ramekin.errors import SettingsError
from ramekin.json import EncodeError
from ramekin.problems import Forbidden
from ramekin.signing import BadSignature, BadToken, ExpiredToken, MalformedToken, Signer
from ramekin.testing import Client

OLD, NEW, OTHER = "the key of last month", "the key of this month", "the key of somebody else"
NOW = 1_800_000_000
HOUR = timedelta(hours=1)

#: The three forms: what makes one of a text, and what reads it.
FORMS: dict[str, tuple[Callable[[Signer, str], str], Callable[[Signer, str], Any]]] = {
    "token": (Signer.dump, Signer.load),
    "value": (Signer.sign, Signer.unsign),
    "link": (lambda signer, text: signer.sign_link(f"/files/{text}?a=1"), Signer.check_link),
}
form = pytest.mark.parametrize("form", FORMS)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def make_signer(
    key: str = NEW,
    purpose: str = "test",
    *,
    fallbacks: tuple[str, ...] = (),
    at: float = NOW,
    max_age: timedelta = HOUR,
) -> Signer:
    """Return a signer whose clock stands still."""
    return Signer(key, purpose, max_age=max_age, fallbacks=fallbacks, clock=lambda: at)


def read(form: str, signer: Signer, text: str) -> Any:
    return FORMS[form][1](signer, text)


def make(form: str, signer: Signer, text: str = "dish") -> str:
    return FORMS[form][0](signer, text)


@given(json_values)
def test_a_token_carries_any_json_value(value: Any) -> None:
    """What a token carries is read as it was signed, and the token fits into a URL, a header field and a cookie."""
    token = make_signer().dump(value)
    assert make_signer().load(token) == value
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


@given(st.text())
def test_a_value_stays_readable(text: str) -> None:
    """A signed value begins with the text itself, whatever is in it."""
    signed = make_signer().sign(text)
    assert (signed.startswith(f"{text}."), make_signer().unsign(signed)) == (True, text)


def test_reading_tells_when_it_was_signed() -> None:
    """A token knows the second in which it was signed."""
    value, signed_at = make_signer().read(make_signer(at=NOW - 7.5).dump(7))
    assert (value, signed_at) == (7, datetime.fromtimestamp(NOW - 8, UTC))


def test_what_json_cannot_carry_is_not_signed() -> None:
    """A token carries JSON, and no number that is none."""
    with pytest.raises(EncodeError):
        make_signer().dump({"at": float("nan")})


@form
@given(data=st.data())
def test_any_changed_character_is_refused(form: str, data: st.DataObject) -> None:
    """However one character is changed, taken away or put in, what comes is refused."""
    signed = make(form, make_signer())
    place = data.draw(st.integers(0, len(signed) - 1))
    new = data.draw(
        st.text(st.characters(codec="utf-8"), max_size=2) | st.sampled_from([".", "=", "==", "A", "-", "_"])
    )
    changed = signed[:place] + new + signed[place + data.draw(st.integers(0, 1)) :]
    if changed != signed:
        with pytest.raises(BadToken):
            read(form, make_signer(), changed)


@form
@given(data=st.data())
def test_any_changed_byte_is_refused(form: str, data: st.DataObject) -> None:
    """Every other byte at every place is refused."""
    signed = make(form, make_signer()).encode()
    place = data.draw(st.integers(0, len(signed) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != signed[place]))
    changed = (signed[:place] + bytes([byte]) + signed[place + 1 :]).decode("latin-1")
    with pytest.raises(BadToken):
        read(form, make_signer(), changed)


@form
def test_other_spellings_of_a_signature_are_refused(form: str) -> None:
    """A signature has one spelling: no padding, and zeros where its last letter has unused bits."""
    signed = make(form, make_signer())
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    unused = [signed[:-1] + letters[letters.index(signed[-1]) + bits] for bits in (1, 2, 3)]
    for other in (
        *unused,
        f"{signed}=",
        f"{signed}==",
        f"{signed}\n",
        signed.replace("-", "+").replace("_", "/") + "!",
    ):
        with pytest.raises(BadSignature):
            read(form, make_signer(), other)


def test_itsdangerous_alone_takes_other_spellings() -> None:
    """Why signatures are compared as text: decoded, several spellings of one are equal."""
    lenient = itsdangerous.Signer(NEW)
    signed = lenient.sign("dish").decode()
    assert lenient.unsign(f"{signed}=") == lenient.unsign(f"{signed}==") == b"dish"


@form
@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b", "/files/dish", "?", "/?expires=1", "/?signature=a", "é", "\udcff"]
)
def test_what_is_no_token_is_malformed(form: str, text: str) -> None:
    """What has not the form is told apart from what was forged."""
    with pytest.raises(MalformedToken if text != ".." or form == "link" else BadSignature):
        read(form, make_signer(), text)


@pytest.mark.parametrize("digits", ["", "-1", "٣", "9" * 13, "1.5"])
def test_a_link_ends_at_a_number(digits: str) -> None:
    """The end of a link is digits, few enough for a time."""
    with pytest.raises(MalformedToken):
        make_signer().check_link(f"/files/dish?expires={digits}&signature=a")


def test_a_token_that_carries_no_json_is_malformed() -> None:
    """What was signed with the same key by other means is no reason to fail."""
    signer = make_signer()
    for content in (b"!", base64_encode(b"{")):
        with pytest.raises(MalformedToken, match="carries no JSON"):
            signer.load(signer._sign(signer._tokens, content))


@form
def test_each_purpose_has_a_salt_of_its_own(form: str) -> None:
    """What was signed for one purpose is nothing for another, under the same key."""
    with pytest.raises(BadSignature):
        read(form, make_signer(purpose="login"), make(form, make_signer(purpose="reset")))


def test_each_form_has_a_salt_of_its_own() -> None:
    """A signed value is no token of the same purpose, though it looks like one."""
    token = make_signer().dump("dish")
    content = token.split(".")[0]
    with pytest.raises(BadSignature):
        make_signer().load(make_signer().sign(content))
    with pytest.raises(BadSignature):
        make_signer().unsign(token)


@form
@pytest.mark.parametrize(("age", "accepted"), [(0, True), (3599, True), (3599.9, True), (3600, False), (10**8, False)])
def test_a_signature_ends(form: str, age: float, accepted: bool) -> None:
    """It is accepted for less than max_age, to the second."""
    signed = make(form, make_signer())
    if accepted:
        read(form, make_signer(at=NOW + age), signed)
    else:
        with pytest.raises(ExpiredToken, match="2027-01-15T09:00:00") as caught:
            read(form, make_signer(at=NOW + age), signed)
        assert caught.value.expired_at == datetime.fromtimestamp(NOW + 3600, UTC)
        assert caught.value.value == ("/files/dish" if form == "link" else "dish")


def test_an_expired_token_can_be_passed_on() -> None:
    """The evidence survives pickling, as when a task queue reports it."""
    error = ExpiredToken({"user": 7}, datetime.fromtimestamp(NOW, UTC))
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.value, copy.expired_at, str(copy)) == (error.value, error.expired_at, str(error))


@pytest.mark.parametrize("form", ["token", "value"])
def test_a_shorter_max_age_holds_for_what_is_out_there(form: str) -> None:
    """The reader's max_age counts, so that lowering it ends old tokens."""
    with pytest.raises(ExpiredToken):
        read(form, make_signer(at=NOW + 61, max_age=timedelta(minutes=1)), make(form, make_signer()))


def test_a_link_ends_when_it_says() -> None:
    """The end of a link stands in it and holds, whatever max_age has become."""
    link = make("link", make_signer())
    make_signer(at=NOW + 61, max_age=timedelta(minutes=1)).check_link(link)
    assert f"expires={NOW + 3600}&" in link


@pytest.mark.parametrize("form", ["token", "value"])
def test_clocks_may_differ_by_a_minute(form: str) -> None:
    """A server whose clock is a little behind takes what another one has signed; hours ahead is no time."""
    read(form, make_signer(at=NOW - 60), make(form, make_signer()))
    with pytest.raises(BadSignature, match="yet to come"):
        read(form, make_signer(at=NOW - 61), make(form, make_signer()))


@form
def test_the_newest_key_signs_and_old_ones_read(form: str) -> None:
    """With a fallback the old signatures hold, and what is signed now is nothing to the old key alone."""
    rotated = make_signer(NEW, fallbacks=(OLD,))
    read(form, rotated, make(form, make_signer(OLD)))
    read(form, make_signer(NEW), make(form, rotated))
    with pytest.raises(BadSignature):
        read(form, make_signer(OLD), make(form, rotated))
    with pytest.raises(BadSignature):
        read(form, rotated, make(form, make_signer(OTHER)))


@form
@given(
    keys=st.lists(st.text(st.characters(codec="utf-8"), min_size=16, max_size=20), min_size=2, unique=True),
    data=st.data(),
)
def test_rotation_holds_for_any_keys(form: str, keys: list[str], data: st.DataObject) -> None:
    """Of any keys the first signs, all are read whatever their order, and one that was taken out is not."""
    newest, *older = keys
    gone = older.pop()
    signer = make_signer(newest, fallbacks=tuple(older))
    assert make(form, signer) == make(form, make_signer(newest))
    shuffled = make_signer(newest, fallbacks=tuple(data.draw(st.permutations(older))))
    for key in (newest, *older):
        read(form, shuffled, make(form, make_signer(key)))
    with pytest.raises(BadSignature):
        read(form, signer, make(form, make_signer(gone)))


def test_the_algorithm() -> None:
    """HMAC-SHA-256 under a key derived by HMAC from the secret key and the salt, as itsdangerous makes it."""
    from hashlib import sha256

    same = itsdangerous.Signer(NEW, "ramekin.value:test", key_derivation="hmac", digest_method=sha256)
    assert make_signer().sign("dish") == same.sign("dish." + base64_encode(NOW.to_bytes(4, "big")).decode()).decode()


# -- Links -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "change",
    [
        lambda link: link.replace("dish", "cup"),
        lambda link: link.replace("a=1", "a=2"),
        lambda link: link.replace("?a=1&", "?"),
        lambda link: link.replace("expires=1", "expires=2"),
        lambda link: f"{link}&b=2",
        lambda link: link.replace("?", "?b=2&"),
        lambda link: link.replace("a=1&", "a=1&&"),
        lambda link: link.replace("files/dish?", "files/dish/?"),
        lambda link: link.replace("?", "%3F"),
        lambda link: "/".join(["", *link.split("/")]),
    ],
)
def test_a_link_is_refused_when_anything_in_it_changes(change: Callable[[str], str]) -> None:
    """Path, query, end and signature belong together."""
    with pytest.raises(BadToken):
        make_signer().check_link(change(make_signer().sign_link("/files/dish?a=1")))


def test_a_path_is_the_same_however_it_is_coded() -> None:
    """The decoded path decides which operation answers, so it is what is signed."""
    link = make_signer().sign_link("/files/caf%C3%A9%20cr%c3%a8me")
    make_signer().check_link(link.replace("%c3%a8", "%C3%A8").replace("/files", "/%66iles"))


@pytest.mark.parametrize("path", ["", "files", "//host/files", "https://host/", "/a#b", "/a b", "/é", "/a\n"])
def test_a_link_is_a_path(path: str) -> None:
    """A host is never part of it, and what a URL cannot hold is not signed."""
    with pytest.raises(ValueError, match="a path that begins with one '/'"):
        make_signer().sign_link(path)


@pytest.mark.parametrize("script_name", ["", "/shop"])
def test_a_resource_checks_the_link_it_was_called_by(script_name: str) -> None:
    """A link made by url_for is accepted by the request that follows it, below a mount prefix too."""
    app = App("Files", settings=Settings(secret_key=NEW))
    signer = app.signer("download", max_age=HOUR)

    @app.resource("/files/<name>")
    class File(Resource):
        @returns({"link": fields.String(required=True)})
        def post(self, name: str) -> dict[str, str]:
            return {"link": signer.sign_link(self.url_for(File, name=name, version=2))}

        @returns(status=204)
        def get(self, name: str) -> None:
            try:
                signer.check_link(self.request)
            except BadToken:
                raise Forbidden from None

    client = Client(app, script_name=script_name, contract=False)
    link = client.post("/files/a%20b%C3%A9").json["link"].removeprefix(script_name)
    assert [client.get(path).status for path in (link, link + "x", "/files/a")] == [204, 403, 403]


# -- Making a signer ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"secret_key": "short"}, "a key is refused. Must have at least 16 random characters"),
        ({"secret_key": b"0" * 32}, "a key is text, not bytes"),
        ({"fallbacks": ["short"]}, "a key is refused"),
        ({"fallbacks": OLD}, "fallbacks are several keys"),
        ({"purpose": ""}, "needs a purpose"),
        ({"purpose": None}, "needs a purpose"),
        ({"max_age": 3600}, "max_age is a timedelta"),
        ({"max_age": timedelta()}, "max_age is a timedelta"),
    ],
)
def test_what_makes_no_signer(arguments: dict[str, Any], message: str) -> None:
    """Key, purpose and max_age are insisted upon; no message repeats a key."""
    given = {"secret_key": NEW, "purpose": "test", "max_age": HOUR, **arguments}
    with pytest.raises(SettingsError, match=message) as caught:
        Signer(given.pop("secret_key"), given.pop("purpose"), **given)
    assert "short" not in str(caught.value)


def test_a_signer_does_not_show_its_key() -> None:
    """The representation says what it is for."""
    assert repr(make_signer()) == "<Signer for 'test', 1:00:00>"


def test_an_app_signs_with_the_keys_of_its_settings() -> None:
    """The app's newest key signs, its fallbacks read."""
    app = App("Shop", settings=Settings(secret_key=NEW, secret_key_fallbacks=(OLD,)))
    signer = app.signer("test", max_age=HOUR)
    assert Signer(NEW, "test", max_age=HOUR).load(signer.dump("new")) == "new"
    assert signer.load(Signer(OLD, "test", max_age=HOUR).dump("old")) == "old"


def test_an_app_without_a_key_signs_nothing() -> None:
    """The message says which setting is missing, what for, and how to make one."""
    with pytest.raises(SettingsError, match=r"secret_key is not set; it signs for 'test'\. python -c"):
        App("Shop").signer("test", max_age=HOUR)
