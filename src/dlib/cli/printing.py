"""Tables on the terminal, in pipes and in files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

WIDE = 200  # columns, where there is no terminal that says


def print_table(table: Table) -> None:
    """Print a table; whole into a pipe or a file, where cut cells are no use."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = WIDE
    console.print(table)
