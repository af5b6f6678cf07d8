"""Which encoding a text file was probably written in, where it is not Unicode: a proposal for a person to see.

Nothing is read by it unasked: a wrong guess would turn names into others without anybody noticing.
"""

import unicodedata

CANDIDATES = ("cp1252", "mac-roman", "cp437")
"""In this order where they fit alike."""

_AT_HOME = frozenset("äöüÄÖÜßéèêëàâáçñíìîïóòôúùûåøæÅØÆÉÈÁÍÓÚÑÇœ€£–—‘’“”…•«»°§")
_PIECE = 1 << 20


def likeliest(data: bytes) -> str:
    """``utf-8`` or ``utf-16`` where the bytes say so, else the one in which they read most like words."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        high = bytes(byte for byte in data if byte >= 0x80)[:_PIECE]
        scores = {name: _score(high, name) for name in CANDIDATES}
        return max(CANDIDATES, key=lambda name: scores[name])
    return "utf-8"


def _score(data: bytes, encoding: str) -> int:
    score = 0
    for char in data.decode(encoding, errors="replace"):
        if char in _AT_HOME:
            score += 2
        elif char == "\ufffd" or unicodedata.category(char) in ("Cc", "Co", "So", "Sm"):
            score -= 3
        elif not char.isalpha():
            score -= 1
    return score
