"""Experiments: from the file to recipes."""

import pytest

from dlib import recipes
from dlib.recipes.experiment import FOLDER, read


@pytest.mark.parametrize("budget", ["smoke", "book", "paper"])
@pytest.mark.parametrize("name", recipes.names())
def test_every_experiment_gives_valid_recipes(name, budget):
    experiment = recipes.load(name, budget=budget)
    assert experiment.budget == budget
    hashes = [entry.recipe.hash for entry in experiment.entries]
    assert len(set(hashes)) == len(hashes) > 0


def test_the_table_of_dip_vae_has_the_papers_rows():
    table = recipes.load("dip_vae", "table", "book")
    assert len(table.entries) == 6
    assert all(entry.recipe.steps >= 20_000 for entry in table.entries)
    strong = table["dip_vae_ii_500"]
    assert strong.recipe.options == {
        "kind": "II",
        "lambda_od": 500.0,
        "lambda_3": 200.0,
    }
    assert strong.paper["sap"] == 0.5253


def test_the_sweep_has_five_settings_and_two_seeds_a_method():
    sweep = recipes.load("dip_vae", "sweep", "book")
    for line in {entry.line for entry in sweep.entries}:
        entries = [entry for entry in sweep.entries if entry.line == line]
        assert len({entry.setting for entry in entries}) >= 5
        assert len({entry.recipe.seed for entry in entries}) == 2


def test_chapters_share_runs():
    ours = recipes.load("autoencoders", budget="book")["vae"].recipe
    assert ours.hash == recipes.load("dip_vae", budget="book")["vae"].recipe.hash


def test_the_budget_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("DLIB_BUDGET", "smoke")
    assert recipes.load("dip_vae").budget == "smoke"


def test_unknown_names_list_what_there_is():
    with pytest.raises(ValueError, match=r"no experiment 'dip'; there are .*dip_vae"):
        recipes.load("dip")
    with pytest.raises(ValueError, match="no group 'figure'; there are table, sweep"):
        recipes.load("dip_vae", "figure")
    with pytest.raises(ValueError, match="budget must be one of smoke, book, paper"):
        recipes.load("dip_vae", budget="huge")
    with pytest.raises(KeyError, match="no run 'gan'"):
        recipes.load("dip_vae", budget="book")["gan"]


def test_a_bad_file_is_named(tmp_path):
    text = (FOLDER / "dip_vae.toml").read_text()
    broken = tmp_path / "broken.toml"
    broken.write_text(text.replace('method = "vae"', 'methd = "vae"', 1))
    with pytest.raises(ValueError, match=r"(?s)broken\.toml.*methd"):
        read(broken, "table", "book")
    broken.write_text("= 3")
    with pytest.raises(ValueError, match=r"broken\.toml"):
        read(broken, "table", "book")
