from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest_plugins = ["pytester"]

SHOP = """
from __future__ import annotations

from marshmallow import fields
from ramekin import App, Limits, Resource, Settings, accepts, raises, returns
from ramekin.problems import Gone, NotFound

app = App("Shop", version="2", settings=Settings(extra={"lang": "en", "shelf": "a"}))


@app.resource("/books/<int:book_id>")
class Book(Resource):
    @accepts(query={"deep": fields.Boolean()})
    @returns({"id": fields.Integer(required=True), "lang": fields.String(), "shelf": fields.String()})
    @raises(NotFound)
    def get(self, book_id, query):
        \"""Show a book.\"""
        if book_id > 9:
            raise NotFound
        if book_id == 8:
            raise RuntimeError
        if book_id == 7:
            raise Gone  # Which it does not declare.
        extra = self.request.settings.extra
        return {"id": book_id, "lang": extra.get("lang", ""), "shelf": extra.get("shelf", "")}


def create_app():
    other = App("Other")
    other.add_resource("/other/<int:book_id>", Book)
    return other
"""
NAMED = '[tool.pytest.ini_options]\nramekin_app = "shop:app"\n'


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with an app in `shop.py`, which its configuration names."""
    pytester.makepyfile(shop=SHOP)
    pytester.makepyprojecttoml(NAMED)
    return pytester


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    return project.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", *options)


# -- Fixtures ---------------------------------------------------------------------------------------------------------


def test_client_calls_the_named_app(project: pytest.Pytester) -> None:
    """The fixture `client` calls the app that the configuration names, and nothing else has to be written."""
    project.makepyfile(
        """
        def test_book(app, client):
            assert client.app is app
            assert client.get("/books/1").json["id"] == 1
        """
    )

    run(project).assert_outcomes(passed=1)


@pytest.mark.parametrize("target", ["shop:app", "shop.py", "shop.py:app"])
def test_app_is_named_as_on_the_command_line(project: pytest.Pytester, target: str) -> None:
    """The app is named by module or file, seen from where the configuration stands."""
    project.makepyprojecttoml(NAMED.replace("shop:app", target))
    project.mkdir("tests").joinpath("test_it.py").write_text("def test_it(app):\n    assert app.info.title == 'Shop'\n")

    run(project, "tests").assert_outcomes(passed=1)


def test_factory_is_called_once(project: pytest.Pytester) -> None:
    """A factory makes one app for the whole run."""
    project.makepyprojecttoml(NAMED.replace("shop:app", "shop:create_app()"))
    project.makepyfile(
        """
        seen = set()

        def test_one(app):
            seen.add(app)

        def test_two(app):
            seen.add(app)
            assert len(seen) == 1 and app.info.title == "Other"
        """
    )

    run(project).assert_outcomes(passed=2)


def test_client_holds_answers_against_the_contract(project: pytest.Pytester) -> None:
    """An answer that its operation does not declare fails the test, which is told where and how."""
    project.makepyfile("def test_book(client):\n    client.get('/books/7')")

    result = run(project)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ContractBreach: getBook 410: status *"])


def test_app_fixture_takes_the_place_of_the_named_app(project: pytest.Pytester) -> None:
    """A fixture `app` of one's own wins over the configuration."""
    project.makeconftest("import pytest, shop\n\n@pytest.fixture\ndef app():\n    return shop.create_app()\n")
    project.makepyfile("def test_other(client):\n    assert client.get('/other/1').json['id'] == 1")
    project.syspathinsert()

    run(project).assert_outcomes(passed=1)


def test_without_an_app_the_error_says_how_to_name_one(pytester: pytest.Pytester) -> None:
    """Where neither the configuration nor a fixture gives an app, the error shows both ways."""
    pytester.makepyfile("def test_it(client): ...")

    result = run(pytester)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*There is no app to test.*`ramekin_app = "bookshop:app"`*fixture `app`*'])


def test_wrong_name_of_the_app_is_explained(project: pytest.Pytester) -> None:
    """A name that leads to no app fails the test, or at once the run whose coverage is asked for."""
    project.makepyprojecttoml(NAMED.replace("shop:app", "shop:ap"))
    project.makepyfile("def test_it(client): ...")

    result, covered = run(project), run(project, "--contract-report")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ramekin_app: module 'shop' has nothing named 'ap'.*Did you mean 'app'?*"])
    assert covered.ret == pytest.ExitCode.USAGE_ERROR
    covered.stderr.fnmatch_lines(["ERROR: ramekin_app: module 'shop' has nothing named 'ap'.*"])


# -- Beside other plugins ---------------------------------------------------------------------------------------------

FRIENDS = """
import pytest

@pytest.fixture
def {first}():
    return "another's {first}"
"""


@pytest.fixture(params=["before", "after"])
def beside(request: pytest.FixtureRequest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options by which two plugins, with a fixture `app` and `client`, come before or after that of Ramekin."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(friend_app=FRIENDS.format(first="app"), friend_client=FRIENDS.format(first="client"))
    pytester.syspathinsert()
    friends = ["-p", "friend_client"]
    return [*friends, "-p", "pytest_ramekin"] if request.param == "before" else ["-p", "pytest_ramekin", *friends]


def test_other_plugins_keep_their_fixtures(pytester: pytest.Pytester, beside: list[str]) -> None:
    """Where no app is named, the fixtures of other plugins win, whichever is loaded last."""
    pytester.makepyfile(
        'def test_it(app, client):\n    assert (app, client) == ("another\'s app", "another\'s client")'
    )

    pytester.runpytest_subprocess(*beside, "-p", "friend_app").assert_outcomes(passed=1)


def test_named_app_wins_over_other_plugins(project: pytest.Pytester, beside: list[str]) -> None:
    """Where an app is named, the fixtures of Ramekin win, whichever is loaded last."""
    project.makepyfile(
        "def test_it(app, client):\n    assert client.app is app and client.get('/books/1').status == 200"
    )

    project.runpytest_subprocess("-p", "friend_app", *beside).assert_outcomes(passed=1)


def test_conftest_wins_beside_other_plugins(pytester: pytest.Pytester, beside: list[str]) -> None:
    """A conftest.py that has a fixture `app` leaves `client` to the other plugin."""
    pytester.makeconftest("import pytest\n\n@pytest.fixture\ndef app():\n    return 1\n")
    pytester.makepyfile('def test_it(app, client):\n    assert (app, client) == (1, "another\'s client")')

    pytester.runpytest_subprocess(*beside).assert_outcomes(passed=1)


def test_app_of_another_framework_is_refused(pytester: pytest.Pytester) -> None:
    """A fixture `app` that gives something else is named, and what to do about it."""
    pytester.makeconftest("import pytest\n\n@pytest.fixture\ndef app():\n    return object()\n")
    pytester.makepyfile("def test_it(client): ...")

    result = run(pytester)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*CallError: *calls a ramekin.App, but the fixture `app` gives *builtins.object*"])


# -- Settings of one test ---------------------------------------------------------------------------------------------


def test_settings_are_changed_for_one_test(project: pytest.Pytester) -> None:
    """A mark changes settings for its test, on another site; those that it does not name stay, and so does the app."""
    project.makepyfile(
        """
        import pytest

        @pytest.mark.ramekin(settings={"extra": {"lang": "de"}})
        def test_changed(client):
            assert client.get("/books/1").json == {"id": 1, "lang": "de", "shelf": "a"}

        def test_as_it_is(client):
            assert client.get("/books/1").json == {"id": 1, "lang": "en", "shelf": "a"}
        """
    )

    run(project).assert_outcomes(passed=2)


def test_marks_and_fixture_add_up(project: pytest.Pytester) -> None:
    """The fixture `ramekin_settings` comes first, then the marks of module, class and test; the nearest wins."""
    project.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.ramekin(settings={"extra": {"shelf": "module", "lang": "module"}})

        @pytest.fixture
        def ramekin_settings():
            return {"extra": {"shelf": "fixture", "more": 1}, "limits": {"query_fields": 1}}

        @pytest.mark.ramekin(settings={"extra": {"lang": "test"}})
        def test_all(client):
            assert dict(client.site.settings.extra) == {"shelf": "module", "lang": "test", "more": 1}
            assert client.site.settings.limits.query_fields == 1
            assert client.get("/books/1", query="deep=true&deep=true").status == 400
        """
    )

    run(project).assert_outcomes(passed=1)


def test_settings_may_be_given_whole(project: pytest.Pytester) -> None:
    """The fixture `ramekin_settings` may give all settings at once."""
    project.makepyfile(
        """
        import pytest
        from ramekin import Settings

        @pytest.fixture
        def ramekin_settings():
            return Settings(extra={"lang": "fr", "shelf": "z"})

        def test_all(client):
            assert client.get("/books/1").json["lang"] == "fr"
        """
    )

    run(project).assert_outcomes(passed=1)


def test_mark_takes_options_of_the_client(project: pytest.Pytester) -> None:
    """A mark may set options of the client, such as whether it checks the contract."""
    project.makepyfile(
        """
        import pytest

        @pytest.mark.ramekin(contract=False, headers={"X-Test": "1"})
        def test_unchecked(client):
            assert client.get("/books/7").status == 410
        """
    )

    run(project).assert_outcomes(passed=1)


def test_settings_say_whether_exceptions_are_raised(project: pytest.Pytester) -> None:
    """`propagate_exceptions` among the settings stands over what the client does by itself, and under its option."""
    project.makepyfile(
        """
        import pytest

        @pytest.mark.ramekin(settings={"propagate_exceptions": False})
        def test_answered(client):
            assert client.get("/books/8").status == 500

        def test_raised(client):
            with pytest.raises(RuntimeError):
                client.get("/books/8")

        @pytest.mark.ramekin(settings={"propagate_exceptions": True}, raise_exceptions=False)
        def test_option(client):
            assert client.get("/books/8").status == 500
        """
    )

    run(project).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("{'debug': True}", "pytest.mark.ramekin takes its arguments by name"),
        ("debug=True", "pytest.mark.ramekin(debug=…): ramekin.testing.Client takes no such option."),
        ("settings={'colour': 1}", "The settings of this test cannot be used:*colour*"),
        ("settings={'limits': {'colour': 1}}", "The settings of this test cannot be used: Unknown limit colour*"),
    ],
)
def test_wrong_marks_are_refused(project: pytest.Pytester, arguments: str, message: str) -> None:
    """A mark that says nothing about settings or the client is an error that names it."""
    project.makepyfile(f"import pytest\n\n@pytest.mark.ramekin({arguments})\ndef test_it(client): ...\n")

    result = run(project)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*CallError: {message}*"])


def test_mark_is_known(project: pytest.Pytester) -> None:
    """The mark is listed, so that strict marks take it."""
    run(project, "--markers").stdout.fnmatch_lines(["@pytest.mark.ramekin(*"])


# -- What it costs ----------------------------------------------------------------------------------------------------


def test_plugin_loads_nothing_before_it_is_used(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that uses no fixture and no option of the plugin imports nothing of the package."""
    pytester.makepyfile("import sys\n\ndef test_it():\n    assert 'ramekin' not in sys.modules\n")

    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    pytester.runpytest_subprocess("-p", "pytest_ramekin").assert_outcomes(passed=1)


def test_plugin_is_found_by_pytest() -> None:
    """The installed package tells pytest of the plugin, so that nobody has to load it."""
    assert [point.value for point in entry_points(group="pytest11", name="ramekin")] == ["pytest_ramekin"]


# -- Coverage of the contract -----------------------------------------------------------------------------------------

SOME = """
def test_some(client):
    assert client.get("/books/1").status == 200
    assert client.get("/books/99").status == 404
"""
REST = """
from ramekin.testing import exercise_implied

def test_rest(client):
    assert client.get("/books/1", query={"deep": True}).status == 200
    exercise_implied(client)
"""


def test_terse_report_lists_what_is_missing(project: pytest.Pytester) -> None:
    """The report has a line for each operation that lacks something, and names what."""
    project.makepyfile(SOME)

    result = run(project, "--contract-report")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "*= contract coverage =*",
            "Shop 2: 2 of 6 declared outcomes and parameters exercised, 33.3 %",
            "  OPERATION                COVERED  MISSING",
            "  GET    /books/{book_id}      2/6  400 bad-request, 406 not-acceptable, *, query deep",
        ]
    )


def test_report_takes_no_path_for_its_value(project: pytest.Pytester) -> None:
    """A path after the option is a path, and what is no style of the report is refused."""
    project.makepyfile(test_some=SOME)

    result, wrong = run(project, "--contract-report", "test_some.py"), run(project, "--contract-report=all")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["Shop 2: 2 of 6 *"])
    assert wrong.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize("option", ["--contract-report", "--contract-report=terse"])
def test_report_is_terse_unless_it_is_full(project: pytest.Pytester, option: str) -> None:
    """The report is terse where its option says so or nothing."""
    project.makepyfile(SOME)

    run(project, option).stdout.fnmatch_lines(["  OPERATION  *MISSING"])


def test_full_report_lists_everything(project: pytest.Pytester) -> None:
    """The full report lists each outcome and parameter, how often it was met, and what does not count."""
    project.makepyfile(SOME)

    result = run(project, "--contract-report=full")

    result.stdout.fnmatch_lines(
        [
            "  GET    /books/{book_id}  2/6",
            "    success    200 application/json           1 ×",
            "    problem    404 not-found                  1 ×",
            "    problem    500 internal-server-error    never  exempt: a bug answers it, and no request",
            "    parameter  query deep                   never  MISSING",
        ]
    )


def test_without_options_nothing_is_reported(project: pytest.Pytester) -> None:
    """A run that asks for no coverage says nothing of it."""
    project.makepyfile(SOME)

    assert "contract coverage" not in run(project).stdout.str().lower()


def test_run_fails_under_the_minimum(project: pytest.Pytester) -> None:
    """A run that exercised too little ends with status 1 and says why, though its tests passed."""
    project.makepyfile(SOME)

    result = run(project, "--contract-fail-under=34")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["FAIL The contract coverage of 33.3 % is less than the 34 % of --contract-fail-under."]
    )


@pytest.mark.parametrize("minimum", ["33.3", "0"])
def test_run_passes_at_the_minimum(project: pytest.Pytester, minimum: str) -> None:
    """A run that exercised as much as is asked for passes."""
    project.makepyfile(SOME)

    result = run(project, f"--contract-fail-under={minimum}")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["The contract coverage of 33.3 % is enough."])


def test_all_of_it_can_be_reached(project: pytest.Pytester) -> None:
    """With the implied outcomes exercised in one line, a hundred percent are within reach."""
    project.makepyfile(test_some=SOME, test_rest=REST)

    result = run(project, "--contract-report", "--contract-fail-under=100")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["Shop 2: 6 of 6 declared outcomes and parameters exercised, 100 %"])


def test_failed_tests_keep_their_status(project: pytest.Pytester) -> None:
    """Failed tests and too little coverage are both reported."""
    project.makepyfile("def test_it(client):\n    assert client.get('/books/1').status == 201")

    result = run(project, "--contract-fail-under=100")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["FAIL The contract coverage of 16.6 % is less than *"])


def test_run_that_met_no_contract_fails(pytester: pytest.Pytester) -> None:
    """A minimum is not met by a run that exercised no contract at all."""
    pytester.makepyfile("def test_it(): ...")

    result = run(pytester, "--contract-fail-under=0")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAIL No contract was exercised: no test used the fixture `client`, *"])


@pytest.mark.parametrize("minimum", ["101", "-1", "all", "nan"])
def test_minimum_is_a_percentage(pytester: pytest.Pytester, minimum: str) -> None:
    """A minimum that is no number from 0 to 100 is refused."""
    result = run(pytester, f"--contract-fail-under={minimum}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*'{minimum}' is no number from 0 to 100.*"])


def test_named_app_counts_even_if_no_test_calls_it(project: pytest.Pytester) -> None:
    """The app that the configuration names counts from the start."""
    project.makepyfile("def test_it(): ...")

    result = run(project, "--contract-report")

    result.stdout.fnmatch_lines(["Shop 2: 0 of 6 declared outcomes and parameters exercised, 0 %"])


OTHER = """
import shop
from ramekin.testing import Client

def test_other():
    assert Client(shop.create_app()).get("/other/1").status == 200
"""


def test_named_app_counts_alone(project: pytest.Pytester) -> None:
    """Apps beside the named one, such as small ones of a test, do not count."""
    project.syspathinsert()
    project.makepyfile(test_other=OTHER, test_some=SOME)

    output = run(project, "--contract-report").stdout.str()

    assert "Shop 2: 2 of 6" in output
    assert "Other 0.1.0" not in output


def test_every_app_counts_where_none_is_named(project: pytest.Pytester) -> None:
    """Without a name in the configuration, each app counts that a client called."""
    project.syspathinsert()
    project.makepyprojecttoml("")
    project.makeconftest("import pytest, shop\n\n@pytest.fixture\ndef app():\n    return shop.app\n")
    project.makepyfile(test_other=OTHER, test_some=SOME)

    result = run(project, "--contract-report")

    result.stdout.fnmatch_lines(["Other 0.1.0: 1 of 6 *", "Shop 2: 2 of 6 *"])


def test_client_that_calls_nothing_counts(project: pytest.Pytester) -> None:
    """The fixture `client` makes its app count before it has called anything."""
    project.syspathinsert()
    project.makepyprojecttoml("")
    project.makeconftest("import pytest, shop\n\n@pytest.fixture\ndef app():\n    return shop.app\n")
    project.makepyfile("def test_it(client): ...")

    run(project, "--contract-report").stdout.fnmatch_lines(["Shop 2: 0 of 6 *"])


def test_answers_of_changed_settings_count(project: pytest.Pytester) -> None:
    """An answer counts whatever settings the app was compiled with."""
    project.makepyfile(
        "import pytest\n\n@pytest.mark.ramekin(settings={'access_log': False})\n"
        "def test_it(client):\n    client.get('/books/1')\n"
    )

    run(project, "--contract-report").stdout.fnmatch_lines(["Shop 2: 1 of 6 *"])


def test_app_that_cannot_be_compiled_stops_the_run(project: pytest.Pytester) -> None:
    """A named app whose declarations contradict one another is reported before the first test."""
    clash = "\nclass Clash(Resource):\n    @returns(status=204)\n    def get(self): ...\n"
    project.makepyfile(shop=f"{SHOP}{clash}\napp.add_resource('/openapi.json', Clash)\n")

    result = run(project, "--contract-report")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: ramekin_app: the app cannot be compiled: *"])


# -- Reports in files -------------------------------------------------------------------------------------------------


def test_json_report(project: pytest.Pytester) -> None:
    """The JSON report has the sums, and each point with its tests."""
    project.makepyfile(test_some=SOME)

    result = run(project, "--contract-json=out/contract.json")

    report = json.loads((project.path / "out" / "contract.json").read_text(encoding="utf-8"))
    assert (report["covered"], report["counted"], report["percent"]) == (2, 6, 33.3)
    (api,) = report["apis"]
    assert (api["title"], api["version"], api["operations"][0]["id"]) == ("Shop", "2", "getBook")
    assert api["operations"][0]["points"][0] == {
        "kind": "success",
        "name": "200 application/json",
        "exempt": "",
        "count": 1,
        "tests": ["test_some.py::test_some"],
    }
    result.stdout.fnmatch_lines(["Contract coverage was written to out/contract.json."])


def test_junit_report(project: pytest.Pytester) -> None:
    """The JUnit report has a case for each point that counts, skipped where it is missing, and one for the minimum."""
    project.makepyfile(SOME)

    run(project, "--contract-junit=contract.xml", "--contract-fail-under=50")

    shop, whole = ElementTree.parse(project.path / "contract.xml").getroot()
    assert (shop.get("name"), shop.get("tests"), shop.get("skipped")) == ("Shop 2", "6", "4")
    skipped = [case.get("name") for case in shop.iter("testcase") if case.find("skipped") is not None]
    assert skipped == [
        "problem 400 bad-request",
        "problem 406 not-acceptable",
        "problem 422 validation-failed",
        "parameter query deep",
    ]
    assert whole.get("failures") == "1"
    assert [failure.get("message") for failure in whole.iter("failure")] == [
        "2 of 6 declared outcomes and parameters exercised, 33.3 %"
    ]


def test_html_report(project: pytest.Pytester) -> None:
    """The HTML report is one page that shows each point."""
    project.makepyfile(SOME)

    run(project, "--contract-html=contract.html")

    page = (project.path / "contract.html").read_text(encoding="utf-8")
    assert "<title>Contract coverage: Shop 2</title>" in page
    assert '<li class="met"><div><code>200 application/json</code>' in page
    assert '<li class="missing"><div><code>query deep</code>' in page
    assert '<li class="exempt"><div><code>500 internal-server-error</code>' in page


def test_unwritable_report_fails_the_run(project: pytest.Pytester) -> None:
    """A report that cannot be written is an error of the run."""
    project.makepyfile(SOME)

    result = run(project, "--contract-json=shop.py/contract.json")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["FAIL *shop.py*"])
    assert "was written to" not in result.stdout.str()


# -- Several processes ------------------------------------------------------------------------------------------------


def test_runs_add_up(project: pytest.Pytester) -> None:
    """What parallel runs exercised is added up from their JSON reports."""
    project.makepyfile(test_some=SOME, test_rest=REST)
    run(project, "test_some.py", "--contract-json=shards/some.json")
    run(project, "test_rest.py", "--contract-json=shards/rest.json")

    result = run(project, "--collect-only", "-q", "--contract-from=shards/*.json", "--contract-fail-under=100")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["The contract coverage of 100 % is enough."])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "*No such file*contract.json*"),
        ("{", "--contract-from: *contract.json *"),
        ("{}", "--contract-from: *contract.json is no report of contract coverage."),
        ("[]", "--contract-from: *contract.json is no report of contract coverage."),
        ('{"format": 0}', "--contract-from: *contract.json is of format 0, not 1."),
    ],
)
def test_report_of_another_run_has_to_be_one(project: pytest.Pytester, content: str | None, message: str) -> None:
    """A file to add that is missing or no report is an error of the run."""
    if content is not None:
        (project.path / "contract.json").write_text(content, encoding="utf-8")
    project.makepyfile(SOME)

    result = run(project, "--contract-from=contract.json")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines([f"FAIL {message}"])


def test_pattern_that_matches_nothing_fails_the_run(project: pytest.Pytester) -> None:
    """A pattern of files to add that finds none is an error of the run, as a missing file is."""
    project.makepyfile(SOME)

    result = run(project, "--contract-from=nope*.json")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["FAIL --contract-from: no file matches nope[*].json."])


def test_workers_add_up(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under pytest-xdist the workers' exchanges are added up, and the controller reports once."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    project.makepyfile(test_some=SOME, test_rest=REST)

    result = project.runpytest_subprocess(
        "-p",
        "xdist",
        "-p",
        "pytest_ramekin",
        "-n2",
        "--dist=loadfile",
        "--contract-report",
        "--contract-fail-under=100",
    )

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["Shop 2: 6 of 6 declared outcomes and parameters exercised, 100 %"])
    assert result.stdout.str().count("contract coverage =") == 1


def test_files_stand_beside_the_caller(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report's file name is seen from where pytest was called."""
    project.makepyfile(SOME)
    folder = project.mkdir("reports")
    monkeypatch.chdir(folder)

    run(project, "..", "--contract-json=contract.json")

    assert Path(folder, "contract.json").exists()
