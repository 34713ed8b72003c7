"""Codes and factors out of the tables that people have."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlib.cli.table_file import PointsFile, read_points

ROWS = [("z0", "f0", "f1", "file")]
ROWS += [(f"{0.5 * i - 1}", f"{i % 3}", f"word {i}", f"{i}.png") for i in range(6)]


def read(folder: Path, text: str, name: str = "codes.csv") -> PointsFile:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_points(path)


def lines(separator: str, comma: bool = False) -> str:
    text = "\n".join(separator.join(row) for row in ROWS) + "\n"
    return text.replace(".5", ",5").replace(".0", ",0") if comma else text


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["codes.csv", "codes.tsv"])
def test_the_header_shows_the_separator(
    tmp_path: Path, separator: str, name: str
) -> None:
    points = read(tmp_path, lines(separator), name)
    assert points.names == ("f0", "f1")
    assert points.codes[:, 0].tolist() == [-1, -0.5, 0, 0.5, 1, 1.5]
    assert points.factors["f0"].tolist() == [0, 1, 2, 0, 1, 2]
    assert points.factors["f1"][5] == "word 5"


def test_a_spreadsheets_mark_at_the_beginning_and_its_line_ends(
    tmp_path: Path,
) -> None:
    text = "\ufeff" + lines(";").replace("\n", "\r\n")
    assert read(tmp_path, text).codes.shape == (6, 1)


def test_separators_within_quotes_are_none(tmp_path: Path) -> None:
    text = 'z0;"factor_a,b,c,d";f1\n0.5;1;"x;y"\n1.5;2;z\n'
    points = read(tmp_path, text)
    assert points.names == ("a,b,c,d", "f1")
    assert points.factors["f1"].tolist() == ["x;y", "z"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas_are_read_where_commas_separate_nothing(
    tmp_path: Path, separator: str
) -> None:
    points = read(tmp_path, lines(separator, comma=True))
    assert points.codes[:, 0].tolist() == [-1, -0.5, 0, 0.5, 1, 1.5]
    assert points.factors["f0"].tolist() == [0, 1, 2, 0, 1, 2]


def test_decimal_commas_of_factors_beside_whole_codes(tmp_path: Path) -> None:
    """Else a real-valued factor would be taken for words."""
    points = read(tmp_path, "z0;f0;f1\n1;0,25;a\n2;;b\n3;-1,5e-1;c\n")
    assert points.factors["f0"].tolist()[::2] == [0.25, -0.15]
    assert points.factors["f0"].isna().tolist() == [False, True, False]


def test_words_with_a_comma_stay_words(tmp_path: Path) -> None:
    points = read(tmp_path, "z0;f0\n0.5;red, dark\n1.5;1,5\n")
    assert points.factors["f0"].tolist() == ["red, dark", "1,5"]
    assert points.codes[:, 0].tolist() == [0.5, 1.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("z0;f0\n0,5;1\n1.5;2\n", "codes.csv has numbers with decimal commas.*z0"),
        ("z0;f0\n0,5;0.5\n1,5;2.5\n", "decimal commas, and in the column f0"),
        ("z0;f0\n1.000,5;1\n2.000,5;2\n", "column z0 of codes.csv must hold numbers"),
        ("z0,f0\n0,5,1,5\n1,5,2,5\n", r"more cells than the header has \(2\)"),
        ("", "is not a table with a header"),
        ("z0|f0\n1|2\n", "has no column code_.*; its columns are z0|f0"),
    ],
)
def test_what_cannot_be_told_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_bytes(lines(",").encode("utf-16"))
    with pytest.raises(ValueError, match="is not a table with a header"):
        read_points(path)
