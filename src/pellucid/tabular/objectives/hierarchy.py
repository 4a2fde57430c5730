"""Which class can express which: computed from the translators and the witnesses' proofs."""

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.tabular.objectives.certificates import Certificate
from pellucid.tabular.objectives.formalisms import (
    COVERS,
    GROUPS,
    above_or_equal,
    below_or_equal,
    downward,
)
from pellucid.tabular.objectives.witness_tasks import Witness


@dataclass(frozen=True)
class Cell:
    """Whether one class can express another.

    Args:
        row: The class that should express.
        column: The class whose orders it should express.
        way: The classes that translators lead through, from the row down; None if it cannot.
        witness: A task that the column can express and the row cannot; None if it can.
        certificate: Why the row cannot, which may be about a class above it.
    """

    row: str
    column: str
    way: tuple[str, ...] | None
    witness: Witness | None
    certificate: Certificate | None

    @property
    def holds(self) -> bool:
        """Whether the row can express the column."""
        return self.way is not None


def matrix(found: Sequence[Witness]) -> dict[tuple[str, str], Cell]:
    """Return every cell off the diagonal, decided by a chain of translators or by a witness.

    Args:
        found: Witnesses; the first that decides a cell is named.

    Raises:
        ValueError: A cell is decided both ways or not at all.
    """
    cells: dict[tuple[str, str], Cell] = {}
    for row in GROUPS:
        for column in GROUPS:
            if row == column:
                continue
            way = downward(row, column)
            witness, certificate = _refuted(row, column, found)
            if (way is None) == (witness is None):
                raise ValueError(f"{row} and {column}: expected one answer, got none or two")
            cells[row, column] = Cell(row, column, way, witness, certificate)
    return cells


def covers(cells: dict[tuple[str, str], Cell]) -> set[tuple[str, str]]:
    """Return the edges of the diagram that a matrix implies: what holds and is not composed."""
    holds = {pair for pair, cell in cells.items() if cell.holds}
    return {
        (row, column)
        for row, column in holds
        if not any((row, between) in holds and (between, column) in holds for between in GROUPS)
    }


def consistent(cells: dict[tuple[str, str], Cell]) -> bool:
    """Return whether the edges that a matrix implies are the ones that have translators."""
    return covers(cells) == set(COVERS)


def verified(cell: Cell) -> bool:
    """Return whether a cell that fails has a proof whose premises hold in exact arithmetic."""
    return cell.certificate is not None and cell.certificate.verify()


def _refuted(
    row: str, column: str, found: Sequence[Witness]
) -> tuple[Witness | None, Certificate | None]:
    for witness in found:
        if column not in above_or_equal([witness.group]):
            continue
        for certificate in witness.certificates:
            if row in below_or_equal([certificate.group]):
                return witness, certificate
    return None, None
