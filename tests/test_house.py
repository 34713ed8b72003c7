"""The files of the house agree with each other, and the wheel is complete."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
LISTED = [
    Requirement(line)
    for line in (
        *PROJECT["dependencies"],
        *(
            line
            for extra in PROJECT["optional-dependencies"].values()
            for line in extra
        ),
    )
]


def constraints() -> dict[str, str]:
    """Name of each pinned package, normalised, to its exact version."""
    pins: dict[str, str] = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)", line)
        assert match, f"constraints.txt must pin exact public versions, got {line!r}"
        name = canonicalize_name(match[1])
        assert name not in pins, f"{name} is pinned twice"
        pins[name] = match[2]
    return pins


def environment() -> dict[str, list[str]]:
    """What environment.yml asks of conda and of pip."""
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    return {
        "conda": [item for item in listed if isinstance(item, str)],
        "pip": [
            line for item in listed if isinstance(item, dict) for line in item["pip"]
        ],
    }


@pytest.mark.parametrize("requirement", LISTED, ids=lambda item: item.name)
def test_every_dependency_is_pinned_to_a_version_it_allows(
    requirement: Requirement,
) -> None:
    pins = constraints()
    name = canonicalize_name(requirement.name)
    assert name in pins, f"{name} of pyproject.toml has no version in constraints.txt"
    assert Version(pins[name]) in requirement.specifier


def test_what_the_dependencies_need_is_pinned_too() -> None:
    """Walk the installed packages from those that pyproject.toml names."""
    pins = constraints()
    todo = [(canonicalize_name(item.name), item.extras) for item in LISTED]
    seen = set()
    missing = set()
    while todo:
        name, extras = todo.pop()
        if (name, *extras) in seen:
            continue
        seen.add((name, *extras))
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        # A build of torch with CUDA pins its own libraries; others need not.
        if name not in pins and not name.startswith(("nvidia-", "cuda-", "triton")):
            missing.add(name)
        for line in needs:
            need = Requirement(line)
            marker = need.marker
            if marker is None or any(
                marker.evaluate({"extra": extra}) for extra in (*extras, "")
            ):
                todo.append((canonicalize_name(need.name), need.extras))
    assert not missing, f"not in constraints.txt: {', '.join(sorted(missing))}"


def test_versions_that_the_design_fixes() -> None:
    pins = constraints()
    assert pins["torch"] == "2.13.0"
    assert pins["jupyter-book"] == "1.0.4.post1"


def test_conda_defers_to_pyproject_and_constraints() -> None:
    asked = environment()
    names = [re.split(r"[<>=! ]", item)[0] for item in asked["conda"]]
    assert names == ["python", "pip"]
    extras = ",".join(sorted(PROJECT["optional-dependencies"]))
    assert extras == "book,ray,test"
    assert asked["pip"] == ["-c constraints.txt", f"-e .[{extras}]"]
    assert f"'.[{extras}]'" in (ROOT / "Makefile").read_text()


def workflow() -> dict[str, Any]:
    """The jobs that every change must pass on GitHub."""
    text = (ROOT / ".github/workflows/test.yml").read_text()
    return yaml.safe_load(text)["jobs"]


def test_the_workflows_jobs_together_are_make_test() -> None:
    run = [step["run"] for job in workflow().values() for step in job["steps"][-1:]]
    targets = [line.removeprefix("make ").split() for line in run]
    asked = re.search(r"^test: ([a-z -]+?) *##", (ROOT / "Makefile").read_text(), re.M)
    assert asked is not None
    assert [name for job in targets for name in job] == asked[1].split()


def test_python_versions_agree() -> None:
    oldest = PROJECT["requires-python"].removeprefix(">=")
    conda = environment()["conda"][0].removeprefix("python")
    tested = workflow()["unit"]["strategy"]["matrix"]["python"]
    assert tested[0] == oldest
    setup = workflow()["book"]["steps"][1]
    assert setup["with"]["python-version"] in tested
    assert all(
        Version(version) in Requirement(f"python{conda}").specifier
        for version in tested
    )
    assert Version("3.10") not in Requirement(f"python{conda}").specifier
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py" + oldest.replace(".", "")
    assert PYPROJECT["tool"]["mypy"]["python_version"] == oldest
    major, minor = oldest.split(".")
    assert f"sys.version_info < ({major}, {minor})" in (ROOT / "Makefile").read_text()


def test_versions_of_the_project_agree() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    source = (ROOT / "src/dlib/__init__.py").read_text()
    assert f'__version__ = "{PROJECT["version"]}"' in source
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_address_of_the_repository_agrees() -> None:
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["repository-code"] == address
    assert address in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "book/index.py"])
def test_nobody_is_told_to_install_another_project(name: str) -> None:
    """``dlib`` on PyPI is a C++ toolkit; the distribution here is dlib-book."""
    text = (ROOT / name).read_text()
    assert not re.search(r"pip install (-\S+ )*['\"]?dlib(?!-book)\b", text)


def test_readme_warns_about_the_name_and_its_picture_is_there() -> None:
    text = (ROOT / "README.md").read_text()
    assert text.count("unrelated") == 1
    for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text):
        assert alt, f"the picture {target} has no alt text"
        assert (ROOT / target).is_file(), f"README.md shows {target}: it is not there"


@pytest.mark.filterwarnings("ignore:no code has a standard deviation")
def test_ten_lines_of_the_readme_run(capsys: pytest.CaptureFixture[str]) -> None:
    """They run as they stand, but for the amount of work."""
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert code is not None
    assert len([line for line in code[1].splitlines() if line]) <= 10
    small, changes = re.subn(r"steps=\d+", "steps=2, batch_size=8", code[1])
    small, more = re.subn(r"\bn=\d+", "n=300, n_test=200", small)
    assert (changes, more) == (1, 1)
    exec(compile(small, "README.md", "exec"), {})
    printed = capsys.readouterr().out.lower()
    assert "sap" in printed and "mig" in printed


def test_links_between_the_files_of_the_house_resolve() -> None:
    for page in ROOT.glob("*.md"):
        text = re.sub(r"`[^`\n]+`", "", page.read_text())  # what only shows how
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of the files in a wheel that was built just now."""
    folder = tmp_path_factory.mktemp("wheel")
    build = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", folder, ROOT],
        capture_output=True,
        text=True,
    )
    if build.returncode and "hatchling" in build.stderr:
        pytest.skip("the build backend could not be fetched: no wheel was built")
    assert build.returncode == 0, build.stderr
    [path] = folder.glob("dlib_book-*.whl")
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


@pytest.mark.parametrize("folder", ["recipes", "shipped"])
def test_wheel_holds_every_recipe_and_every_shipped_run(
    wheel: list[str], folder: str
) -> None:
    here = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src/dlib" / folder).rglob("*")
        if path.is_file() and path.suffix in {".toml", ".json", ".safetensors"}
    }
    assert here, f"src/dlib/{folder} holds no recipe and no run"
    assert here <= set(wheel)


def test_wheel_holds_the_library_and_nothing_else(wheel: list[str]) -> None:
    assert "dlib/__init__.py" in wheel
    assert any(name.endswith("licenses/LICENSE") for name in wheel)
    tops = {name.split("/")[0] for name in wheel}
    assert tops == {"dlib", f"dlib_book-{PROJECT['version']}.dist-info"}


def test_no_shipped_run_is_large() -> None:
    for path in (ROOT / "src/dlib/shipped").rglob("*.safetensors"):
        assert path.stat().st_size < 2.5e6, f"{path.name} has 2.5 MB or more"
