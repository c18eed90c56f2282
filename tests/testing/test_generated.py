from __future__ import annotations

import pytest
import schemathesis.checks
import schemathesis.openapi
from marshmallow import fields

from ramekin import App, Resource, returns
from ramekin.testing import CallError, generate_cases

pytest_plugins = ["pytester"]

SHOP = """
from __future__ import annotations

from marshmallow import Schema, fields
from ramekin import App, Resource, accepts, raises, returns
from ramekin.problems import NotFound, Unauthorized

app = App("Shop")
BOOK = {"id": fields.Integer(required=True), "title": fields.String(required=True)}


@app.resource("/books/<int:book_id>")
class Book(Resource):
    @accepts(query={"deep": fields.Boolean()})
    @returns(BOOK)
    @raises(NotFound)
    def get(self, book_id, query):
        if book_id > 1000:
            raise NotFound
        return {"id": book_id, "title": "Emma", **self.request.settings.extra}

    @accepts(json={"title": fields.String(required=True)})
    @returns(BOOK)
    def put(self, book_id, json):
        return {"id": book_id, **json}
"""

# Most of it in one line, as users write it; few cases, and the same in every run.
GENERATED = """
from ramekin.testing import generate_cases
from shop import app

test_contract = generate_cases(app, max_examples=5, seed=1{arguments})
"""


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """Load schemathesis once: a run inside forgets what it has imported."""
    schemathesis.openapi.from_dict({"openapi": "3.1.0", "info": {"title": "", "version": ""}, "paths": {}})
    schemathesis.checks.load_all_checks()


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with an app in `shop.py`."""
    pytester.makepyfile(shop=SHOP)
    pytester.syspathinsert()
    return pytester


def run(project: pytest.Pytester, *options: str, arguments: str = "", before: str = "") -> pytest.RunResult:
    """Run the cases that are generated with these further arguments."""
    project.makepyfile(before + GENERATED.format(arguments=arguments))
    return project.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", *options)


def test_one_line_tests_every_operation(project: pytest.Pytester) -> None:
    """One line makes a test of each operation, and an app that keeps its contract passes."""
    result = run(project, "-v")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["*::test_contract?GET /books/{book_id}??Shop? PASSED*", "*::test_contract?PUT /books/{book_id}??Shop? PASSED*"]
    )


def test_cases_count_in_the_coverage(project: pytest.Pytester) -> None:
    """What the cases exercise counts in the coverage of the contract."""
    output = run(project, "--contract-report=full").stdout.str()

    assert "Shop 0.1.0: " in output
    assert "problem    422 validation-failed          never" not in output


def test_answer_is_held_against_the_contract(project: pytest.Pytester) -> None:
    """An answer passes the check of the contract, which says what is wrong in its own words."""
    project.makepyfile(shop=SHOP.replace('"title": "Emma", ', ""))

    result = run(project)

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*ContractBreach: getBook 200: body at '/title'*"])


def test_undeclared_problem_is_found(project: pytest.Pytester) -> None:
    """A problem that the operation does not declare is found, and the request that shows it is told."""
    project.makepyfile(shop=SHOP.replace("            raise NotFound\n", "            raise Unauthorized\n"))

    result = run(project)

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*getBook 401: status *", "*curl -X GET *"])


def test_bug_is_found(project: pytest.Pytester) -> None:
    """An exception that the app does not handle is shown with its traceback."""
    project.makepyfile(shop=SHOP.replace("            raise NotFound\n", "            raise KeyError('bug')\n"))

    result = run(project)

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*KeyError: 'bug'*"])


GUARDED = SHOP.replace(
    "@app.resource",
    """
app.declare(raises(Unauthorized))

@app.before
def guard(request):
    seen.append(request.header("authorization"))
    if request.header("authorization") not in ("Bearer 1", "Bearer 2"):
        raise Unauthorized(headers={"WWW-Authenticate": "Bearer"})

seen = []

@app.resource""",
)


@pytest.mark.parametrize(
    ("before", "headers"),
    [
        ("", '{"Authorization": "Bearer 1"}'),
        (
            "from itertools import cycle\ntokens = cycle([1, 2])\n",
            'lambda: {"Authorization": f"Bearer {next(tokens)}"}',
        ),
    ],
)
def test_credentials_are_sent(project: pytest.Pytester, before: str, headers: str) -> None:
    """Header fields are sent with each request, a function's made anew for each case."""
    project.makepyfile(shop=GUARDED)
    project.makeconftest(
        "def pytest_unconfigure():\n    import shop\n    print('SEEN', sorted(map(str, set(shop.seen))))\n"
    )

    result = run(project, arguments=f", headers={headers}", before=before)

    result.assert_outcomes(passed=2)
    seen = "SEEN ['Bearer 1', 'Bearer 2']" if before else "SEEN ['Bearer 1']"
    result.stdout.fnmatch_lines([f"{seen[:-1]}*"])


def test_each_case_stands_in_its_surroundings(project: pytest.Pytester) -> None:
    """What `around` returns is entered before each case and left after it, whatever came."""
    project.makepyfile(
        shop=SHOP.replace("        if book_id", "        assert state == [1]\n        if book_id") + "\nstate = []\n"
    )
    before = """
from contextlib import contextmanager
import shop

@contextmanager
def transaction():
    shop.state.append(1)
    yield
    shop.state.clear()
"""

    run(project, arguments=", around=transaction", before=before).assert_outcomes(passed=2)


def test_settings_of_the_fixture_hold(project: pytest.Pytester) -> None:
    """The fixture `ramekin_settings` holds for generated cases, too, and the argument comes after it."""
    project.makepyfile(
        shop=SHOP.replace(
            "        if book_id", "        assert self.request.settings.extra == {'title': 'b'}\n        if book_id"
        )
    )
    before = """
import pytest

@pytest.fixture
def ramekin_settings(tmp_path):
    return {"extra": {"title": "a"}, "access_log": False}
"""

    run(project, arguments=", settings={'extra': {'title': 'b'}}", before=before).assert_outcomes(passed=2)


def test_lists_in_header_fields_pass(project: pytest.Pytester) -> None:
    """A list in a header field of a response is spelled as schemathesis reads it."""
    project.makepyfile(
        shop="""
from marshmallow import fields
from ramekin import App, Reply, Resource, returns

app = App("Shop")


@app.resource("/kinds")
class Kinds(Resource):
    @returns(status=204, headers={"X-Kinds": fields.List(fields.Integer())})
    def get(self):
        return Reply(headers={"X-Kinds": [1, 2]})
"""
    )

    run(project).assert_outcomes(passed=1)


IDENTIFIED = """
from marshmallow import fields
from ramekin import App, Resource, returns
from ramekin.auth import Bearer, Principal, requires

app = App("Shop")
tokens = Bearer(lambda token: Principal("ada") if {condition} else None)


@app.resource("/books")
@requires(tokens)
class Books(Resource):
    @returns(status=204)
    def get(self): ...
"""


@pytest.mark.parametrize(("condition", "outcome"), [("token == 'good'", "passed"), ("True", "failed")])
def test_credentials_are_held_to_matter(project: pytest.Pytester, condition: str, outcome: str) -> None:
    """With credentials each operation is tried with wrong ones, too; one that takes them fails."""
    project.makepyfile(shop=IDENTIFIED.format(condition=condition))

    result = run(project, arguments=", headers={'Authorization': 'Bearer good'}")

    result.assert_outcomes(**{outcome: 1})


def test_operations_are_left_out_by_id(project: pytest.Pytester) -> None:
    """Only the operations that are named are left out."""
    result = run(project, "-v", arguments=", exclude={'putBook'}")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*::test_contract?GET /books/{book_id}??Shop? PASSED*"])


def test_phases_are_chosen(project: pytest.Pytester) -> None:
    """The phases that are named run alone."""
    run(project, arguments=", phases=['examples']").assert_outcomes(skipped=2)


class Ping(Resource):
    @returns({"pong": fields.Integer(required=True)})
    def get(self) -> dict[str, int]:
        return {"pong": 1}


@pytest.fixture
def app() -> App:
    app = App("Ping")
    app.add_resource("/ping", Ping)
    return app


def test_unknown_names_are_refused(app: App) -> None:
    """An id that no operation has, or a phase that there is not, is an error that lists what there is."""
    with pytest.raises(CallError, match=r"generate_cases\(exclude=…\) has 'getPong'; there are: getPing, "):
        generate_cases(app, exclude={"getPong"})
    with pytest.raises(CallError, match=r"phases=…\) has 'all'; there are: examples, coverage, fuzzing"):
        generate_cases(app, phases=["all"])


def test_app_stays_open(app: App) -> None:
    """Generating tests does not compile the app itself, so that it can still be added to."""
    generate_cases(app)

    app.add_resource("/pong", Ping, name="Pong")
