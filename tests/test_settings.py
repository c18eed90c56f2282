"""Settings, and their loading from mappings, TOML files and the environment."""

from __future__ import annotations

import re
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from ramekin.errors import SettingsError
from ramekin.limits import Limits
from ramekin.settings import CORS, Environment, Settings, TomlFile, load_settings
from ramekin.types import SchemaLike

CORS_FIELDS = dataclass_fields(CORS)


class MailSchema(Schema):
    host = fields.String(required=True)
    password = fields.String(load_only=True, validate=validate.Length(min=8, error="{input} is too short."))


class ShopSettings(Schema):
    database = fields.String(load_default="shop.db")
    workers = fields.Integer(allow_none=True)
    ratio = fields.Float()
    currencies = fields.List(fields.String(validate=validate.OneOf(["EUR", "USD"])))
    names = fields.Dict(values=fields.Integer())
    time_zone = fields.String(data_key="time-zone")
    mail = fields.Nested(MailSchema)


def environment(**variables: str) -> Environment:
    return Environment(variables=variables)


def to_text(record: Any, name: str) -> str:
    value = getattr(record, name)
    return ",".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def write(folder: Path, text: str) -> Path:
    file = folder / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return file


def faults(*sources: Any, extra: SchemaLike | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(*sources, extra=extra)
    return str(caught.value).splitlines()


def test_no_source_gives_the_defaults() -> None:
    """Without a source, every setting has its default."""
    assert load_settings() == Settings()


def test_later_sources_go_over_earlier_ones(tmp_path: Path) -> None:
    """A later source goes over an earlier one key by key, and leaves the rest."""
    file = write(tmp_path, 'docs_path = "/file"\n[limits]\njson_depth = 2\njson_nodes = 2')

    loaded = load_settings(
        {"docs_path": "/mapping", "debug": True, "limits": {"json_depth": 1, "query_fields": 1}},
        TomlFile(file),
        environment(RAMEKIN_LIMITS__JSON_NODES="3"),
    )

    limits = Limits(query_fields=1, json_depth=2, json_nodes=3)
    assert loaded == Settings(debug=True, docs_path="/file", limits=limits)


def test_every_setting_can_be_set_from_the_environment() -> None:
    """Each setting and limit has its variable, which takes its value as text."""
    limits = {item.name: 7 for item in dataclass_fields(Limits)}
    expected = Settings(
        debug=True,
        propagate_exceptions=True,
        limits=Limits(**limits),
        problem_base_uri="https://example.com/problems/",
        request_id_header="X-Request-ID",
        access_log=False,
        unique_keys=False,
        openapi_version="3.0",
        openapi_path="/api.json",
        docs_path=None,
        secret_key="a key of sixteen characters",
        secret_key_fallbacks=("the key of last month", "the key before that"),
        base_url="https://api.example.com",
        trusted_hosts=("api.example.com", "*.shop.example"),
        trusted_proxies=2,
        cors=CORS(
            origins=("https://shop.example", "http://[::1]:8000"), credentials=True, allow_headers=("X-A", "X-B")
        ),
        security_headers=False,
        hsts_seconds=31_536_000,
        silenced_checks=("RK101: For once.",),
    )
    variables = {f"RAMEKIN_LIMITS__{name.upper()}": "7" for name in limits}
    variables |= {f"RAMEKIN_CORS__{item.name.upper()}": to_text(expected.cors, item.name) for item in CORS_FIELDS}
    for name in {item.name for item in dataclass_fields(Settings)} - {"limits", "cors", "extra"}:
        variables[f"RAMEKIN_{name.upper()}"] = to_text(expected, name)

    assert load_settings(Environment(variables=variables)) == expected


@pytest.mark.parametrize("text", ["true", "True", "YES", "on", "1"])
def test_words_for_true(text: str) -> None:
    """The usual words for true and false are taken from the environment, in any case."""
    assert load_settings(environment(RAMEKIN_DEBUG=text)).debug is True


def test_an_empty_variable_is_null_where_that_can_be() -> None:
    """An empty variable stands for null in a setting that can be null."""
    assert load_settings(environment(RAMEKIN_DOCS_PATH="")).docs_path is None


def test_an_empty_string_in_toml_is_null_where_that_can_be(tmp_path: Path) -> None:
    """TOML has no null, so an empty string stands for it."""
    assert load_settings(TomlFile(write(tmp_path, 'openapi_path = ""'))).openapi_path is None


def test_another_prefix() -> None:
    """Variables with another prefix are none of the app's."""
    variables = {"SHOP_DEBUG": "1", "RAMEKIN_UNIQUE_KEYS": "nonsense", "SHOPDEBUG": "x"}

    assert load_settings(Environment("SHOP_", variables)) == Settings(debug=True)


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without variables given, those of the process are read, and those of the command line are left alone."""
    monkeypatch.setenv("RAMEKIN_ACCESS_LOG", "off")
    monkeypatch.setenv("RAMEKIN_APP", "bookshop.py")

    assert load_settings(Environment()).access_log is False


def test_an_empty_prefix_is_refused() -> None:
    """Without a prefix every variable would have to be a setting."""
    with pytest.raises(SettingsError, match="needs a prefix"):
        Environment("")


def test_a_table_of_a_file(tmp_path: Path) -> None:
    """Settings can stand in a table of a file that has more in it."""
    file = write(
        tmp_path, "[project]\nname = 'shop'\n[tool.ramekin]\ndebug = true\n[tool.ramekin.limits]\njson_depth = 0"
    )

    assert faults(TomlFile(file, table="tool.ramekin")) == [
        f"{file}: tool.ramekin.limits.json_depth: Must be greater than or equal to 1."
    ]
    assert load_settings(TomlFile(file, table="tool.other")) == Settings()
    assert faults(TomlFile(file, table="project.name")) == [f"{file}: project.name is not a table."]


def test_a_missing_file_names_its_path(tmp_path: Path) -> None:
    """A file that is missing is an error that names it, unless it is optional."""
    file = tmp_path / "none.toml"

    assert faults(TomlFile(file)) == [f"{file}: there is no such file."]
    assert load_settings(TomlFile(file, optional=True)) == Settings()


def test_unreadable_files_are_named_together(tmp_path: Path) -> None:
    """A folder, bytes that are not UTF-8 and text that is not TOML are named with their reasons, all at once."""
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"a = '\xff secret'")
    broken = write(tmp_path, "debug =")

    lines = faults(TomlFile(tmp_path), TomlFile(binary), TomlFile(broken))

    assert lines[0].startswith(f"{tmp_path} cannot be read: ")
    assert lines[1] == f"{binary} is not TOML: not in UTF-8."
    assert lines[2].startswith(f"{broken} is not TOML: ")
    assert len(lines) == 3


def test_all_faults_at_once_with_key_and_source(tmp_path: Path) -> None:
    """Every bad value is named with its key and its source, in one error."""
    file = write(tmp_path, 'unique_keys = "yes"\n[limits]\njson_nodes = 1.5')

    lines = faults({"debug": 1}, TomlFile(file), environment(RAMEKIN_LIMITS__BODY_BYTES="ten"))

    assert sorted(lines) == [
        f"{file}: limits.json_nodes: Not a valid integer.",
        f"{file}: unique_keys: Not a valid boolean.",
        "RAMEKIN_LIMITS__BODY_BYTES from the environment: Not a valid integer.",
        "debug from the mapping given as source 1: Not a valid boolean.",
    ]


def test_only_the_value_that_counts_is_judged() -> None:
    """A bad value that a later source replaces does no harm."""
    assert load_settings({"docs_path": "bad"}, environment(RAMEKIN_DOCS_PATH="/good")).docs_path == "/good"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ({"debgu": True}, "debgu from the mapping given as source 1: Unknown setting. Did you mean debug?"),
        (
            {"body_bytes": 1},
            "body_bytes from the mapping given as source 1: Unknown setting. Did you mean limits.body_bytes?",
        ),
        (
            environment(RAMEKIN_LIMITS__BODY_BYTE="1"),
            "RAMEKIN_LIMITS__BODY_BYTE from the environment: Unknown setting. Did you mean RAMEKIN_LIMITS__BODY_BYTES?",
        ),
        (
            environment(RAMEKIN_LIMIT__BODY_BYTES="1"),
            "RAMEKIN_LIMIT__BODY_BYTES from the environment: Unknown setting. Did you mean RAMEKIN_LIMITS__BODY_BYTES?",
        ),
        (
            {"limits": {"zzz": 1}},
            "limits.zzz from the mapping given as source 1: Unknown setting. Known here: "
            + ", ".join(item.name for item in dataclass_fields(Limits))
            + ".",
        ),
        (
            {1: 2},
            "1 from the mapping given as source 1: Unknown setting. Known settings: debug, propagate_exceptions, ",
        ),
        (
            {"extra": {"database": "x"}},
            "extra from the mapping given as source 1: Unknown setting. The app's own settings need a schema: load_",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_a_suggestion(source: Any, line: str) -> None:
    """An unknown key is refused, with the one that was meant or those that exist."""
    (found,) = faults(source)

    assert found.startswith(line)


@pytest.mark.parametrize("value", ["ten", "", "1_000", "1.0", "٣", "9" * 5000])
def test_a_limit_is_an_integer_in_digits(value: str) -> None:
    """A limit from the environment is digits, and nothing that merely reads as a number."""
    assert faults(environment(RAMEKIN_LIMITS__JSON_DEPTH=value)) == [
        "RAMEKIN_LIMITS__JSON_DEPTH from the environment: Not a valid integer."
    ]


def test_a_section_is_no_value() -> None:
    """A section that is given as one value is refused."""
    assert faults(environment(RAMEKIN_LIMITS="many")) == ["RAMEKIN_LIMITS from the environment: Invalid input type."]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("request_id_header", "X Request"),
        ("request_id_header", ""),
        ("request_id_header", "X-Id\r\n"),
        ("docs_path", "docs"),
        ("docs_path", "//host/docs"),
        ("openapi_path", "/a b"),
        ("openapi_path", ""),
        ("openapi_version", "2.0"),
        ("problem_base_uri", "problems/"),
        ("problem_base_uri", "https://"),
        ("problem_base_uri", "https://example.com/a b"),
        ("problem_base_uri", "1a:b"),
        ("debug", "false"),
        ("debug", 1),
        ("docs_path", 1),
        ("secret_key", "short"),
        ("secret_key", ""),
        ("secret_key_fallbacks", "the key of last month"),
        ("secret_key_fallbacks", 7),
    ],
)
def test_values_that_are_none_of_a_settings(name: str, value: Any) -> None:
    """A value is judged alike when it is loaded and when it is passed to the class."""
    (line,) = faults({name: value})

    with pytest.raises(SettingsError) as caught:
        Settings(**{name: value})
    assert str(caught.value) == f"Settings.{name}: {line.partition(': ')[2]}"


def test_a_short_fallback_is_named_by_its_place() -> None:
    """A key that is too short is refused, and not repeated."""
    key = "a key of sixteen characters"
    (line,) = faults(environment(RAMEKIN_SECRET_KEY=key, RAMEKIN_SECRET_KEY_FALLBACKS=f"{key},short"))

    assert line.startswith("RAMEKIN_SECRET_KEY_FALLBACKS__1 from the environment: Must have at least 16 ")
    assert "short" not in line


def test_fallbacks_need_a_key_that_signs() -> None:
    """Older keys only read, so they are nothing alone."""
    with pytest.raises(SettingsError, match="secret_key has to sign"):
        Settings(secret_key_fallbacks=("the key of last month",))


def test_secret_keys_are_frozen_and_not_shown() -> None:
    """A list of fallbacks becomes a tuple; the representation holds no key."""
    given = Settings(secret_key="the key of this month", secret_key_fallbacks=["the key of last month"])  # type: ignore[arg-type]

    assert given.secret_key_fallbacks == ("the key of last month",)
    assert "month" not in repr(given)


@pytest.mark.parametrize(
    "uri", ["https://example.com/problems/", "tag:example.com,2026:", "urn:problem:", "http://[::1]/#"]
)
def test_absolute_uris(uri: str) -> None:
    """Any absolute URI can begin the types of problems."""
    assert Settings(problem_base_uri=uri).problem_base_uri == uri


def test_the_class_takes_limits_and_a_mapping_only() -> None:
    """The parts of the settings have their own types."""
    with pytest.raises(SettingsError, match="must be a Limits"):
        Settings(limits={"json_depth": 1})  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="must be a mapping"):
        Settings(extra=[])  # type: ignore[arg-type]


def test_document_and_page_stand_at_two_paths() -> None:
    """One path cannot serve both the document and its page."""
    with pytest.raises(SettingsError, match="each needs its own"):
        load_settings({"docs_path": "/openapi.json"})
    assert Settings(docs_path=None, openapi_path=None).docs_path is None


def test_changed_is_judged_too() -> None:
    """A change is judged like the settings themselves."""
    assert Settings().changed(debug=True) == Settings(debug=True)
    with pytest.raises(SettingsError, match="docs_path"):
        Settings().changed(docs_path="x")


def test_own_settings(tmp_path: Path) -> None:
    """The app's own settings stand in the section ``extra`` of every source, and their schema loads them."""
    file = write(tmp_path, '[extra]\nworkers = 2\n[extra.mail]\nhost = "mail"\n[extra.names]\na = 1')

    loaded = load_settings(
        {"extra": {"ratio": 0.5, "workers": 1}},
        TomlFile(file),
        environment(RAMEKIN_EXTRA__MAIL__PASSWORD="long enough", RAMEKIN_EXTRA__TIME_ZONE="UTC"),
        extra=ShopSettings,
    )

    assert loaded.extra == {
        "database": "shop.db",
        "ratio": 0.5,
        "workers": 2,
        "names": {"a": 1},
        "time_zone": "UTC",
        "mail": {"host": "mail", "password": "long enough"},
    }


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("currencies", "EUR, USD", ["EUR", "USD"]),
        ("currencies", '["EUR"]', ["EUR"]),
        ("currencies", "", []),
        ("names", '{"a": 1}', {"a": 1}),
        ("workers", " 12 ", 12),
        ("workers", "", None),
        ("ratio", "0.5", 0.5),
    ],
)
def test_own_settings_from_text(name: str, text: str, value: Any) -> None:
    """Lists come from commas or JSON, mappings from JSON, numbers from digits."""
    loaded = load_settings(Environment(variables={f"RAMEKIN_EXTRA__{name.upper()}": text}), extra=ShopSettings)

    assert loaded.extra[name] == value


@pytest.mark.parametrize("extra", [ShopSettings, ShopSettings(), ShopSettings().declared_fields])
def test_forms_of_the_own_schema(extra: SchemaLike) -> None:
    """The schema is given as a class, an instance or a dict of fields."""
    assert load_settings(extra=extra).extra == {"database": "shop.db"}


def test_faults_of_own_settings() -> None:
    """Own settings are refused as Ramekin's are: with key, source and what would help."""
    source = environment(
        RAMEKIN_EXTRA__NAMES="{",
        RAMEKIN_EXTRA__CURRENCIES="EUR,GBP",
        RAMEKIN_EXTRA__MAIL__HOSTS="x",
        RAMEKIN_DATABASE="x",
    )

    missing, *refused = sorted(faults(source, extra=ShopSettings), key=str.swapcase)

    assert missing == (
        "extra.mail.host: Missing data for required field. "
        "No source sets it; set extra.mail.host or RAMEKIN_EXTRA__MAIL__HOST in the environment."
    )
    assert refused == [
        "RAMEKIN_DATABASE from the environment: Unknown setting. Did you mean RAMEKIN_EXTRA__DATABASE?",
        "RAMEKIN_EXTRA__CURRENCIES__1 from the environment: Must be one of: EUR, USD.",
        "RAMEKIN_EXTRA__MAIL__HOSTS from the environment: Unknown setting. Did you mean RAMEKIN_EXTRA__MAIL__HOST?",
        "RAMEKIN_EXTRA__NAMES from the environment: Not a valid mapping type.",
    ]


def test_a_required_setting_that_nobody_sets() -> None:
    """A required setting is missed even where no source has the section."""
    assert faults(extra={"key": fields.String(required=True)}) == [
        "extra.key: Missing data for required field. No source sets it; set extra.key."
    ]


def test_a_rule_across_own_settings() -> None:
    """A fault of the section as a whole is named by the section."""

    class Range(Schema):
        low = fields.Integer()

        @validates_schema
        def check(self, data: dict[str, Any], **kwargs: Any) -> None:
            raise ValidationError("low is above high.")

    assert faults({"extra": {"low": 1}}, extra=Range) == ["extra: low is above high."]


def test_own_schemas_that_cannot_be() -> None:
    """The own schema is of one object that loads to a mapping."""

    class Loaded(Schema):
        @post_load
        def make(self, data: dict[str, Any], **kwargs: Any) -> str:
            return "text"

    assert faults(extra=ShopSettings(many=True))[0].startswith("extra= must be the schema of one object")
    assert faults(extra=fields.String())[0].startswith("extra= must be the schema of one object")
    assert faults(extra=Loaded) == ["The schema given as extra= must load to a mapping."]


def test_own_settings_are_frozen_and_not_shown() -> None:
    """Own settings cannot be changed, and are not shown, for they may hold secrets."""
    loaded = load_settings({"extra": {"mail": {"host": "x", "password": "12345678"}}}, extra=ShopSettings)

    with pytest.raises(TypeError):
        loaded.extra["database"] = "y"  # type: ignore[index]
    assert "12345678" not in repr(loaded)


@given(value=st.text(min_size=1))
@settings(max_examples=50)
def test_a_secret_is_never_repeated(value: str) -> None:
    """No message holds the value of a field that is only loaded, though its own message would."""
    short = validate.Length(max=0, error="Not {input}!")
    (line,) = faults({"extra": {"key": value}}, extra={"key": fields.String(load_only=True, validate=short)})

    assert line == "extra.key from the mapping given as source 1: Not a valid value."


def test_a_section_of_secrets() -> None:
    """What stands in a section that is only loaded is as secret."""
    quoting = fields.String(validate=validate.OneOf(["a"], error="Not {input}!"))
    section = fields.Nested({"key": quoting}, load_only=True)

    assert faults({"extra": {"keys": {"key": "s3cret"}}}, extra={"keys": section}) == [
        "extra.keys.key from the mapping given as source 1: Not a valid value."
    ]


def test_the_parts_of_a_secret() -> None:
    """The items, members and numbers of a value are as secret as the whole."""

    def refuse(value: Any) -> None:
        raise ValidationError(f"Not {value}!")

    schema: dict[str, fields.Field[Any]] = {
        "codes": fields.List(fields.Integer(), load_only=True, validate=refuse),
        "tokens": fields.Dict(load_only=True, validate=refuse),
        "flag": fields.Boolean(load_only=True, validate=refuse),
        "other": fields.Dict(load_only=True, validate=validate.Length(min=3, error="Too few.")),
    }

    lines = faults(
        {"extra": {"codes": [1234], "tokens": {"a": "s3cret"}, "flag": True, "other": {"x1": 5, "x2": None}}},
        extra=schema,
    )

    assert [line.partition(": ")[2] for line in lines] == [*["Not a valid value."] * 3, "Too few."]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"base_url": "shop.example"}, "Settings.base_url: Must be a URL"),
        ({"base_url": "https://shop.example?a=b"}, "Settings.base_url: Must be a URL"),
        ({"base_url": "https://shop.example/a b"}, "Settings.base_url: Must be a URL"),
        ({"trusted_hosts": "shop.example"}, "Settings.trusted_hosts: Not a valid list."),
        ({"trusted_hosts": ["*"]}, "Settings.trusted_hosts.0: '*' would trust every host"),
        ({"trusted_hosts": ["Shop.example"]}, "Settings.trusted_hosts.0: Must be a host in lower case"),
        ({"trusted_hosts": ["[1:2]"]}, "Settings.trusted_hosts.0: Must be a host in lower case"),
        ({"trusted_hosts": ["shop.example:80"]}, "Settings.trusted_hosts.0: Must be a host in lower case"),
        ({"trusted_proxies": -1}, "Settings.trusted_proxies: Must be a number of proxies"),
        ({"trusted_proxies": True}, "Settings.trusted_proxies: Not a valid integer."),
        ({"cors": {"origins": []}}, "Settings.cors must be a CORS"),
        ({"hsts_seconds": 0}, "Settings.hsts_seconds: Must be greater than or equal to 1."),
        ({"silenced_checks": ["RK101"]}, "Settings.silenced_checks.0: Must be the id of a check"),
    ],
)
def test_what_stands_before_an_app_is_stated_exactly(given: dict[str, Any], fault: str) -> None:
    """A host, proxy or URL that cannot be is refused when the settings are made."""
    with pytest.raises(SettingsError, match="^" + re.escape(fault)):
        Settings(**given)


def test_lists_become_tuples() -> None:
    """What was given as a list cannot be changed afterwards."""
    assert Settings(trusted_hosts=["a.example"]).trusted_hosts == ("a.example",)  # type: ignore[arg-type]
    assert CORS(origins=["https://a.example"]).origins == ("https://a.example",)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"origins": ["*"], "credentials": True}, "cors.origins is '*' and cors.credentials is on"),
        ({"origins": ["*", "https://a.example"]}, "cors.origins names '*' beside others"),
        ({"origins": ["null"]}, "cors.origins.0: 'null' is the origin"),
        ({"origins": ["a.example"]}, "cors.origins.0: Must be an origin"),
        ({"origins": ["https://a.example/"]}, "cors.origins.0: Must be an origin"),
        ({"origins": ["https://[1:2]"]}, "cors.origins.0: Must be an origin"),
        ({"origins": ["https://*.example"]}, "cors.origins.0: Must be an origin"),
        ({"origins": ["HTTPS://a.example"]}, "cors.origins.0: Must be an origin"),
        ({"origins": ["https://a.example:443"]}, "cors.origins.0: Browsers leave out the port"),
        ({"origins": ["http://a.example:80"]}, "cors.origins.0: Browsers leave out the port"),
        ({"origins": "https://a.example"}, "cors.origins: Not a valid list."),
        ({"allow_headers": ["X A"]}, "cors.allow_headers.0: Must be the name of a header field"),
        ({"max_age_seconds": 0}, "cors.max_age_seconds: Must be greater"),
    ],
)
def test_origins_are_stated_exactly(given: dict[str, Any], fault: str) -> None:
    """What no browser sends, or what would trust every page with credentials, is refused from every source."""
    with pytest.raises(SettingsError, match="^" + re.escape(fault)):
        CORS(**given)
    assert fault.partition(":")[0].partition(" ")[0] in faults({"cors": given})[0]


def test_the_reference_lists_every_setting() -> None:
    """The reference names each setting and limit with its default."""
    page = (Path(__file__).parent.parent / "docs/reference/settings.md").read_text(encoding="utf-8")
    default = Settings()

    for item in dataclass_fields(Settings):
        value = getattr(default, item.name)
        plain = item.name not in ("limits", "cors", "extra")
        assert (f"| `{item.name}` | `{value}` |" if plain else f"| `{item.name}` |") in page
    for item in CORS_FIELDS:
        assert f"| `cors.{item.name}` | `{item.default}` |" in page
    for item in dataclass_fields(Limits):
        assert f"| `limits.{item.name}` | `{item.default}` |" in page


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


@given(
    values=st.dictionaries(
        st.sampled_from([item.name for item in dataclass_fields(Settings)]) | st.text(max_size=5),
        json_values,
        max_size=4,
    )
)
@settings(max_examples=100)
def test_any_mapping_loads_or_is_refused(values: dict[str, Any]) -> None:
    """Whatever a mapping holds, it gives settings or a SettingsError."""
    try:
        loaded = load_settings(values, extra=ShopSettings)
    except SettingsError as error:
        assert str(error)
    else:
        assert isinstance(loaded, Settings)


@given(
    variables=st.dictionaries(
        st.text("ABE_XTRLIMNOS", max_size=12).map("RAMEKIN_".__add__), st.text(max_size=8), max_size=3
    )
)
@settings(max_examples=100)
def test_any_environment_loads_or_is_refused(variables: dict[str, str]) -> None:
    """Whatever the variables are, they give settings or a SettingsError that names one of them."""
    try:
        load_settings(Environment(variables=variables), extra=ShopSettings)
    except SettingsError as error:
        assert any(name in str(error) for name in variables)
