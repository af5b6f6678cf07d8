"""Words looked for in a short text such as a title or a source."""

import re
from dataclasses import dataclass
from functools import lru_cache

_WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class Keywords:
    """A row that matches a text in which any of ``words`` stands.

    Whole words, capitals and punctuation aside: "coo" is not found in "Coordinator", and "c-level" is in
    "C - Level". One that ends in ``*`` is found at the beginning of a word: "web*" in "Webinar".
    """

    words: tuple[str, ...]
    points: int

    def matches(self, text: str) -> bool:
        return self.found_in(normal_text(text))

    def found_in(self, normal: str) -> bool:
        """Like ``matches`` on a ``normal_text``: made once where many rows look at one text."""
        return any(_pattern(word) in normal for word in self.words)


def normal_text(text: str) -> str:
    """The words of a text in lower case, a space before and after each: `` c  level ``."""
    return "".join(f" {word} " for word in _WORDS.findall(text.lower()))


@lru_cache(maxsize=10_000)
def _pattern(word: str) -> str:
    """What to look for in a ``normal_text``."""
    pattern = normal_text(word)
    return pattern.rstrip() if word.endswith("*") else pattern
