"""Text that leaves for a spreadsheet stays text: no cell of ours is ever run as a formula.

Spreadsheets run a cell that begins with one of a few characters, also behind blanks that they drop, and some
of them take full-width look-alikes for the plain ones. A leading apostrophe makes such a cell text.
Pure; reading files is ``integrations``.
"""

import unicodedata

_RUNS = frozenset("=+-@\t\r\n")
_APOSTROPHE = "'"


def spreadsheet_text(value: object) -> str:
    """``value`` as text for a cell; what a spreadsheet might run gets a leading apostrophe.

    Characters that no file can carry (NUL and the like) are dropped; tabs and line ends inside are kept.
    """
    text = str(value)
    # Nearly all text is printable and has none of them: a file of a million cells asks this once a cell, not a letter.
    if not text.isprintable():
        text = "".join(
            char for char in text if char in "\t\r\n" or unicodedata.category(char) not in ("Cc", "Cs")
        )
    return _APOSTROPHE + text if _would_run(text) else text


def _would_run(text: str) -> bool:
    if text[:1] in ("\t", "\r", "\n"):
        return True
    for char in text:
        # Blanks and invisible marks before the sign are dropped by some programs.
        if char.isspace() or unicodedata.category(char) in ("Cf", "Mn", "Zs"):
            continue
        plain = unicodedata.normalize("NFKC", char)[:1]
        # U+2212 and its kin read as a minus, and a few programs take them for one.
        return plain in _RUNS or unicodedata.category(char) == "Pd" or plain == "\N{MINUS SIGN}"
    return False
