"""What a verification says: where the chain does not hold, and how much was looked at. Plain values."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Break:
    """A place where the chain does not hold: ``row`` is the id in ``table``, ``None`` where it is the seal itself."""

    seal: int
    table: str
    row: int | None
    kind: str
    why: str

    @property
    def sentence(self) -> str:
        where = f"{self.table} {self.row}" if self.row is not None else f"Seal {self.seal}"
        covered = f" (seal {self.seal})" if self.row is not None else ""
        return f"{where}{covered} {_SAID[self.kind]}. {self.why}".strip()

    def plain(self) -> dict[str, Any]:
        return asdict(self)


_SAID = {
    "altered": "was altered",
    "deleted": "was deleted",
    "inserted": "was slipped in",
    "swapped": "was swapped with another",
    "seal_altered": "was altered",
    "seal_missing": "is missing",
    "seal_order": "does not follow from the one before",
    "list_altered": "has lost or altered the list of its rows",
    "cut_off": "is not the one that was seen before",
}


@dataclass
class Verdict:
    """How far a verification came and what it found; ``more`` breaks than are listed were found."""

    seals: int = 0
    rows: int = 0
    head_number: int = 0
    head_hash: str = ""
    breaks: list[Break] = field(default_factory=list)
    more: int = 0
    unsealed: dict[str, int] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return not self.breaks


@dataclass(frozen=True)
class Anchor:
    """The head of the chain as somebody noted it elsewhere: whoever cuts the chain off cannot alter that."""

    seal: int
    hash: str
    said_by: str = "the anchor"
