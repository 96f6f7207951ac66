"""`docmill check` on a rule that cannot be read: where it stands, what is wrong, and what to write."""

import json
from typing import Any

import pytest

from tests.support.project import THING, Project

Printed = pytest.CaptureFixture[str]

URL = "http://127.0.0.1:9/v1"
NO_CEL = "this is not CEL: write what is true where the rule is kept, such as net + tax == total"
WRONG = {
    "broken off": ("count + ", f"column 7: {NO_CEL}"),
    "one equals sign": ("count = 3", "column 7: this is not CEL; did you mean ==?"),
    "a word for a sign": ("count > 1 and count < 9", "column 11: this is not CEL; did you mean &&?"),
    "another": ("not count", "column 5: this is not CEL; did you mean !?"),
    "on a later line": ("count > 1\\n  and count < 9", "line 2, column 3: this is not CEL; did you mean &&?"),
    "a name": ("cuont > 1", "'cuont' is no property of the schema; did you mean count?"),
    "a fact": ("document.page > 1", "a document has no 'page'; did you mean pages?"),
    "a function": ("siz(name) > 1", "there is no function 'siz'; did you mean size?"),
}
EACH = pytest.mark.parametrize(("that", "said"), WRONG.values(), ids=WRONG)


def checked(project: Project, capfd: Printed, rules: str = "") -> str:
    """Give what `docmill check` says of a pipeline that is wrong."""
    project.documents(a="text")
    steps = f"  - extract:\n      schema: thing\n{rules}"
    assert project.run("check", str(project.pipeline(URL, steps))) == 2
    return capfd.readouterr().err.replace(f"{project.root}/", "")


@EACH
def test_a_rule_of_a_step_is_told_with_file_line_and_column(
    project: Project, capfd: Printed, that: str, said: str
):
    rules = f'        - {{name: good, that: count > 0}}\n        - {{name: r, that: "{that}"}}\n'
    said = f"error: p.yaml:12:21: steps[0].extract.rules[1].that: {said}\n"
    assert checked(project, capfd, f"      rules:\n{rules}") == said


RULES = [{"name": "good", "that": "count > 0"}, {"name": "r", "that": ""}]
BARE: Any = THING["parameters"]
FILES: dict[str, tuple[Any, str]] = {
    "beside the schema": ({**THING, "x-rules": RULES}, "/x-rules"),
    "in the schema": ({**THING, "parameters": {**BARE, "x-rules": RULES}}, "/parameters/x-rules"),
    "in OpenAI's form": ({"type": "function", "function": {**THING, "x-rules": RULES}}, "/function/x-rules"),
    "in a bare schema": ({**BARE, "x-rules": RULES}, "/x-rules"),
}
EACH_FILE = pytest.mark.parametrize(("declared", "at"), FILES.values(), ids=FILES)


def written(project: Project, declared: Any, wrong: str, by: str) -> int:
    """Write the schema's file, a value a line, with another text for one of it; gives the line of that."""
    file = project.root / "schemas" / "tools" / "thing.json"
    file.write_text(json.dumps(declared, indent=1).replace(wrong, by))
    return 1 + file.read_text().partition(by)[0].count("\n")


@EACH
@EACH_FILE
def test_a_rule_of_a_tool_schema_is_told_with_its_file_its_line_and_its_place(
    project: Project, capfd: Printed, declared: Any, at: str, that: str, said: str
):
    line = written(project, declared, '"that": ""', f'"that": "{that}"')
    assert checked(project, capfd) == (
        "error: p.yaml:9:7: steps[0].extract.schema: the tool schema is wrong:\n"
        f"schemas/tools/thing.json:{line}: {at}/1/that: {said}\n"
    )


@EACH_FILE
def test_a_key_of_such_a_rule_is_told_with_its_line(project: Project, capfd: Printed, declared: Any, at: str):
    line = written(project, declared, '"that": ""', '"that": "count > 1", "mesage": ""')
    said = f"schemas/tools/thing.json:{line}: {at}/1/mesage: unknown key; did you mean message?\n"
    assert checked(project, capfd).endswith(said)


NO_LABEL = "document.label is that of a `classify` that the step waits for, and there is none: add one"
LABELLED = {**THING, "x-rules": [{"name": "r", "that": "document.label == 'a'"}]}
FREE = "  - classify: {labels: {a: the first, b: the second}}\n  - extract: {needs: [], schema: thing%s}\n"


def test_a_label_that_the_step_does_not_know_is_told_with_its_place(project: Project, capfd: Printed):
    project.documents(a="text")
    rules = ", rules: [{name: r, that: \"document.label == 'a'\"}]"
    assert project.run("check", str(project.pipeline(URL, FREE % rules))) == 2
    at = "p.yaml:9:59: steps[1].extract.rules[0].that"
    assert f"{at}: {NO_LABEL}\n" in capfd.readouterr().err
    project.schema("thing", LABELLED)
    assert project.run("check", str(project.pipeline(URL, FREE % ""))) == 2
    at = "p.yaml:9:26: steps[1].extract.schema"
    assert f"{at}: a rule of the tool schema: {NO_LABEL}\n" in capfd.readouterr().err


@pytest.mark.parametrize("needs", ["", ", needs: [classify]", ", when: {classify: a}, needs: []"])
def test_a_label_of_a_step_that_it_waits_for_is_known(project: Project, capfd: Printed, needs: str):
    project.schema("thing", LABELLED)
    project.documents(a="text")
    between = "  - classify: {labels: {a: the first, b: the second}}\n  - summarize:\n"
    steps = f"{between}  - extract: {{schema: thing{needs}}}\n"
    assert project.run("check", str(project.pipeline(URL, steps))) == 0, capfd.readouterr().err
