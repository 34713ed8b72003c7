"""``dlib score``: tables and JSON out, clear errors, no traceback."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from dlib.cli.score import score

app = typer.Typer()
app.command()(score)


SIZES = (3, 5, 8)


def some_factors(n: int) -> np.ndarray:
    """Independent uniform factors, int64 (n, 3)."""
    rng = np.random.default_rng(0)
    return np.stack([rng.integers(0, size, n) for size in SIZES], axis=1)


def some_codes(table: np.ndarray) -> np.ndarray:
    """One code a factor and two of noise, float32 (n, 5): nearly perfect."""
    rng = np.random.default_rng(1)
    scaled = 3 * (table / (np.array(SIZES) - 1.0) - 0.5)
    scaled += 0.05 * rng.normal(size=scaled.shape)
    noise = rng.normal(size=(len(table), 2))
    return np.concatenate([scaled, noise], axis=1).astype(np.float32)


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    table = some_factors(400)
    path = tmp_path / "codes.npz"
    np.savez(path, codes=some_codes(table), factors=table)
    return path


def test_an_archive_gives_a_table(npz: Path) -> None:
    code, out, _ = run(npz, "--metrics", "mig,irs")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "codes.npz" and lines[1].split()[:2] == ["metric", "score"]
    assert [line.split()[0] for line in lines[2:4]] == ["mig", "irs"]


def test_json_is_json_and_nothing_else(npz: Path) -> None:
    code, out, _ = run(npz, "--metrics", "mig,sap", "--json", "--seed", 3)
    result = json.loads(out)
    assert code == 0
    assert set(result["scores"]) == {"mig", "sap"}
    assert result["protocol"]["seed"] == 3
    assert result["scores"]["mig"]["noise_floor"] < result["scores"]["mig"]["value"]


def test_test_points_and_no_floor(tmp_path: Path) -> None:
    table = some_factors(400)
    codes = some_codes(table)
    path = tmp_path / "split.npz"
    np.savez(
        path, codes=codes, factors=table, codes_test=codes[:90], factors_test=table[:90]
    )
    code, out, _ = run(path, "--metrics", "explicitness", "--json", "--no-noise-floor")
    result = json.loads(out)
    assert code == 0 and result["protocol"]["n_test"] == 90
    assert result["scores"]["explicitness"]["noise_floor"] is None


@pytest.mark.parametrize("columns", ["long", "short"])
def test_a_table_with_words_gaps_and_other_columns(
    tmp_path: Path, columns: str
) -> None:
    table = some_factors(400)
    codes = some_codes(table)
    names = ["shape", "scale", "x"]
    frame = pd.DataFrame(
        {
            ("code_" if columns == "long" else "z") + str(i): codes[:, i]
            for i in range(5)
        }
    )
    for j, name in enumerate(names):
        frame["factor_" + name if columns == "long" else f"f{j}"] = table[:, j]
    frame["file"] = "a.png"
    first = frame.columns[5]
    frame[first] = np.array(["heart", "oval", "square"])[table[:, 0]]
    frame.loc[::9, first] = None
    path = tmp_path / "codes.csv"
    frame.to_csv(path, index=False)
    code, out, _ = run(path, "--metrics", "mig", "--json")
    assert code == 0
    assert json.loads(out)["scores"]["mig"]["value"] > 0.8


def test_continuous_factors_by_name(npz: Path) -> None:
    values = []
    for which in ("all", "factor 1,factor 2"):
        code, out, _ = run(npz, "--metrics", "sap", "--json", "--continuous", which)
        assert code == 0
        values.append(json.loads(out)["scores"]["sap"]["value"])
    assert values[0] > values[1]  # chance is never 0 for classes


def test_a_constant_code_is_a_note_on_standard_error(tmp_path: Path) -> None:
    table = some_factors(400)
    codes = some_codes(table)
    codes[:, 4] = 1
    path = tmp_path / "flat.npz"
    np.savez(path, codes=codes, factors=table)
    code, out, err = run(path, "--metrics", "mig", "--json")
    assert code == 0 and json.loads(out)
    assert err.startswith("note: code 4 is constant over all 400 points")


def write(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def test_every_wrong_file_is_explained_and_exits_with_2(tmp_path: Path) -> None:
    table = some_factors(200)
    codes = some_codes(table)
    nan = codes.copy()
    nan[3, 2] = np.nan
    one = table.copy()
    one[:, 1] = 4
    objects = np.array([{"a": 1}] * 200, dtype=object)
    cut = tmp_path / "cut.npz"
    cut.write_bytes(write(tmp_path / "whole.npz", codes=codes).read_bytes()[:400])
    empty = tmp_path / "empty.npz"
    with zipfile.ZipFile(empty, "w"):
        pass
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, codes=codes, factors=objects)
    texts = {
        "words.csv": "code_0,factor_a\nred,1\nblue,2\n",
        "other.csv": "a,b\n1,2\n",
        "nofactor.csv": "z0,z1\n1,2\n",
        "rows.csv": "z0,f0\n",
        "nothing.csv": "",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "codes.txt").write_text("1 2")
    (tmp_path / "text.npz").write_text("no archive")
    cases = [
        (tmp_path / "absent.npz", "there is no file"),
        (tmp_path / "codes.txt", "must end in .npz, .csv or .tsv"),
        (tmp_path / "text.npz", "is not an .npz archive"),
        (cut, "is not an .npz archive, or is cut short"),
        (empty, "it holds nothing"),
        (pickled, "without unpickling"),
        (write(tmp_path / "a.npz", z=codes), "arrays called codes and factors"),
        (write(tmp_path / "b.npz", codes=codes, factors=table[:9]), "same number"),
        (write(tmp_path / "c.npz", codes=nan, factors=table), "row 3, column 2"),
        (write(tmp_path / "d.npz", codes=codes, factors=one), "has one value only (4)"),
        (write(tmp_path / "e.npz", codes=codes[:50], factors=table[:50]), "at least"),
        (
            write(tmp_path / "f.npz", codes=codes, factors=table, codes_test=codes),
            "both codes_test and factors_test",
        ),
        (tmp_path / "words.csv", "column code_0 of words.csv must hold numbers"),
        (tmp_path / "other.csv", "its columns are a, b"),
        (tmp_path / "nofactor.csv", "has no column factor_*"),
        (tmp_path / "rows.csv", "a header and no rows"),
        (tmp_path / "nothing.csv", "is not a table with a header"),
    ]
    for path, message in cases:
        code, out, err = run(path, "--metrics", "mig", "--json")
        assert code == 2, (path.name, out, err)
        assert message in err and err.startswith("dlib score: "), (path.name, err)
        assert "Traceback" not in err and out == ""


def test_unknown_names_exit_with_2(npz: Path) -> None:
    code, _, err = run(npz, "--metrics", "mig,foo")
    assert code == 2 and "no metric is called 'foo'; there are mig" in err
    code, _, err = run(npz, "--continuous", "hue")
    assert code == 2 and "no factor is called 'hue'; there are factor 0" in err
