"""Experiments: from the file to recipes, and from recipes to runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlib import recipes
from dlib.metrics import label_of
from dlib.recipes import experiment as module
from dlib.recipes.experiment import FOLDER, expand, find, merge, read
from dlib.runs import MissingRun, Run
from dlib.runs import run as runs


@pytest.mark.parametrize("budget", ["smoke", "book", "paper"])
@pytest.mark.parametrize("name", recipes.names())
def test_every_experiment_gives_valid_recipes(name: str, budget: str) -> None:
    file = find(name)
    for group in file.groups:
        experiment = expand(file, name, group, budget)
        assert experiment.budget == budget
        hashes = [entry.recipe.hash for entry in experiment.entries]
        names = [entry.name for entry in experiment.entries]
        assert len(set(hashes)) == len(set(names)) == len(hashes) > 0


@pytest.mark.parametrize("name", recipes.names())
def test_claims_are_about_lines_and_metrics_that_there_are(name: str) -> None:
    file = find(name)
    for claim in file.claims:
        group = file.groups[claim.group]
        check = claim.check.model_dump()
        named = [check.get("of"), check.get("than"), check.get("lines")]
        for each in named:
            for line in [each] if isinstance(each, str) else each or []:
                assert line in group.lines, claim.reading
                measured = [*group.metrics, *group.lines[line].metrics]
                assert claim.check.metric in map(label_of, measured)


def test_the_table_of_dip_vae_has_the_papers_rows() -> None:
    table = recipes.load("dip_vae", "table", "book")
    showcase = recipes.load("dip_vae", "showcase", "book")
    lines = [entry.line for entry in showcase.entries]
    assert len(lines) == 6 and {entry.line for entry in table.entries} == set(lines)
    assert all(entry.recipe.steps >= 20_000 for entry in showcase.entries)
    assert all(entry.recipe.precision == "32-true" for entry in table.entries)
    strong = showcase["dip_vae_ii_500"]
    assert strong.recipe.options == {
        "kind": "II",
        "lambda_od": 500.0,
        "lambda_3": 200.0,
    }
    assert strong.paper["sap"] == 0.5253 and strong.setting is None


def test_the_sweep_has_five_settings_and_two_seeds_a_method() -> None:
    sweep = recipes.load("dip_vae", "sweep", "book")
    for line in {entry.line for entry in sweep.entries}:
        entries = [entry for entry in sweep.entries if entry.line == line]
        assert len({entry.setting for entry in entries}) >= 5
        assert len({entry.recipe.seed for entry in entries}) == 2
    assert sweep["beta_vae-4-seed1"].settings == {"options.beta": 4.0}


def test_chapters_share_runs() -> None:
    ours = recipes.load("autoencoders", budget="book")["vae"].recipe
    theirs = recipes.load("dip_vae", "showcase", "book")["vae"].recipe
    assert ours.hash == theirs.hash


def test_the_budget_comes_from_the_environment(monkeypatch) -> None:
    monkeypatch.setenv("DLIB_BUDGET", "smoke")
    assert recipes.load("dip_vae").budget == "smoke"


def test_unknown_names_list_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"no experiment 'dip'; there are .*dip_vae"):
        recipes.load("dip")
    with pytest.raises(
        ValueError, match="no group 'figure'; there are table, showcase, sweep"
    ):
        recipes.load("dip_vae", "figure")
    with pytest.raises(ValueError, match="budget must be one of smoke, book, paper"):
        recipes.load("dip_vae", budget="huge")
    with pytest.raises(KeyError, match="no run 'gan'"):
        recipes.load("dip_vae", budget="book")["gan"]


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    text = (FOLDER / "dip_vae.toml").read_text()
    broken = tmp_path / "broken.toml"
    broken.write_text(text.replace('title = "VAE"', 'titel = "VAE"', 1))
    with pytest.raises(ValueError, match=r"(?s)broken\.toml.*titel"):
        read(broken)
    broken.write_text("= 3")
    with pytest.raises(ValueError, match=r"broken\.toml"):
        read(broken)
    broken.write_text(text.replace('method = "vae"', 'method = "gan"', 1))
    with pytest.raises(ValueError, match=r"(?s)mine/table: the recipe of vae.*'gan'"):
        expand(read(broken), "mine", "table", "book")


GRID = """
title = "A grid"
citation = "nobody"
[groups.table]
title = "Grid"
metrics = ["mig", ["dci_forest", { max_depth = 4 }]]
[groups.table.smoke]
points = [500, 400]
recipe = { "data.of.size" = 16, steps = 5 }
[groups.table.book]
seeds = [0, 1]
[groups.table.paper]
vary = { "options.beta" = [3.0] }
seeds = [7]
[groups.table.lines.beta]
title = "β-VAE"
[groups.table.lines.beta.recipe]
method = "beta_vae"
[groups.table.lines.beta.recipe.data]
kind = "correlated"
of = "dsprites"
factors = ["posX", "posY"]
[groups.table.lines.beta.vary]
"options.beta" = [1.0, 2.0, 4.0]
"data.strength" = [0.1, 0.2, 0.4, 0.7]
[groups.table.lines.plain]
title = "VAE"
recipe = { method = "vae" }
differs = { book = { steps = 3 } }
"""


@pytest.fixture
def grid(tmp_path: Path) -> module.File:
    path = tmp_path / "grid.toml"
    # The plain line's data is a bare name, which a size turns into a table.
    path.write_text(GRID.replace('"data.of.size" = 16', '"data.size" = 16', 0))
    return read(path)


def test_axes_multiply_and_budgets_have_their_own(grid: module.File) -> None:
    file = grid.model_copy(deep=True)
    del file.groups["table"].lines["plain"]
    book = expand(file, "grid", "table", "book")
    assert len(book.entries) == 3 * 4 * 2
    assert book.entries[-1].metrics[1] == ("dci_forest", {"max_depth": 4})
    entry = book["beta-2-0.4-seed1"]
    assert entry.recipe.options == {"beta": 2.0}
    assert entry.recipe.data.strength == 0.4 and entry.recipe.data.of.size == 64
    assert entry.settings == {"options.beta": 2.0, "data.strength": 0.4}
    assert entry.setting is None and entry.recipe.seed == 1
    smoke = expand(file, "grid", "table", "smoke")
    assert len(smoke.entries) == 2 * 2 and smoke.points == (500, 400)
    assert smoke.entries[0].recipe.data.of.size == 16
    paper = expand(file, "grid", "table", "paper")
    assert [e.name for e in paper.entries][:2] == ["beta-3-0.1", "beta-3-0.2"]
    assert {e.recipe.seed for e in paper.entries} == {7}


def test_a_line_may_have_values_of_its_own_at_a_budget(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    own = 'varies.paper = { "options.beta" = [5.0, 6.0] }'
    path.write_text(GRID.replace('title = "β-VAE"', f'title = "β-VAE"\n{own}'))
    paper = expand(read(path), "own", "table", "paper").entries
    assert {e.recipe.options.get("beta") for e in paper} == {None, 5.0, 6.0}
    book = expand(read(path), "own", "table", "book").entries
    assert {e.recipe.options.get("beta") for e in book} == {None, 1.0, 2.0, 4.0}


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ('varies.paper = { "options.gamma" = [5.0] }', "the line's axes.*options.beta"),
        ('varies.long = { "options.beta" = [5.0] }', "'smoke', 'book' or 'paper'"),
    ],
)
def test_values_of_what_does_not_vary_are_refused(
    tmp_path: Path, own: str, message: str
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(GRID.replace('title = "β-VAE"', f'title = "β-VAE"\n{own}'))
    with pytest.raises(ValueError, match=f"(?s){message}"):
        read(path)


def test_a_line_is_measured_by_its_group_s_metrics_and_its_own(
    grid: module.File,
) -> None:
    file = grid.model_copy(deep=True)
    table = file.groups["table"]
    table.lines["plain"].metrics = ["sap", ("mig", {"domain": "each"})]
    entries = expand(file, "grid", "table", "book").entries
    shared = tuple(table.metrics)
    for entry in entries:
        own = ("sap", ("mig", {"domain": "each"})) if entry.line == "plain" else ()
        assert entry.metrics == (*shared, *own)
    assert {entry.line for entry in entries} == {"beta", "plain"}


def test_a_line_departs_where_it_says(grid: module.File) -> None:
    book = expand(grid, "grid", "table", "book")
    assert book["plain-seed0"].recipe.steps == 3
    assert book["beta-1-0.1-seed0"].recipe.steps == 20_000


def test_layers_merge_by_dotted_path() -> None:
    assert merge({"a": 1, "b": {"c": 2}}, {"b.c": 3, "b.d": 4}, {"a": 5}) == {
        "a": 5,
        "b": {"c": 3, "d": 4},
    }
    assert merge({"data": "shapes3d"}, {"data.size": 16})["data"] == {
        "name": "shapes3d",
        "size": 16,
    }
    first = {"b": {"c": 1}}
    merge(first, {"b.c": 2})
    assert first == {"b": {"c": 1}}  # what it is given stays


@pytest.mark.parametrize("budget", ["book", "paper"])
def test_a_page_never_trains_in_silence(
    grid: module.File, budget: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path))
    experiment = expand(grid, "grid", "table", budget)
    entry = experiment.entries[-1]
    with pytest.raises(MissingRun) as caught:
        experiment.run(entry)
    command = f"dlib sweep grid --group table --budget {budget} --only {entry.name}"
    assert command in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_at_smoke_a_page_trains(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path))
    experiment = recipes.load("dip_vae", "sweep", "smoke")
    run = experiment.run("beta_vae-1")
    assert isinstance(run, Run) and run.found == "trained"
    assert set(run.metrics) == {"z_diff", "sap", "mig", "reconstruction"}
    assert run.record["measured"]["points"] == [500, 500]
    again = experiment.run("beta_vae-1")
    assert again.found == "cache" and again.method is None


def test_claims_are_decided_by_finished_runs(tmp_path: Path, monkeypatch) -> None:
    from dlib.metrics import Report, Score

    def found(recipe, **options):
        score = 0.1 * recipe.seed + float(recipe.options.get("beta", 0))
        scores = {m: Score(m, score) for m in map(label_of, options["metrics"])}
        scores["reconstruction"] = Score("reconstruction", float(recipe.steps))
        return Run(recipe, None, runs.History(), Report("t", scores), {}, "shipped")

    monkeypatch.setattr("dlib.runs.fit_or_load", found)
    text = (FOLDER / "dip_vae.toml").read_text()
    (tmp_path / "toy.toml").write_text(text)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    # Only the table: the sweep's curves are flat here.
    file = find("toy")
    monkeypatch.setattr(
        "dlib.recipes.judging.find",
        lambda name: file.model_copy(
            update={"claims": [c for c in file.claims if c.group == "table"]}
        ),
    )
    decided = recipes.verdicts("toy", "book")
    assert len(decided) == len([c for c in file.claims if c.group == "table"])
    [verdict] = [
        verdict
        for claim, verdict in decided
        if "higher SAP score of β-VAE for β = 60" in claim.quote
    ]
    seeds = {e.recipe.seed for e in recipes.load("toy", "table", "book").entries}
    # β = 60 is above DIP-VAE-I in this make-believe, in every seed.
    assert verdict.k == verdict.n == len(seeds)
    assert verdict.word == ("held" if len(seeds) > 1 else "too close to call")
