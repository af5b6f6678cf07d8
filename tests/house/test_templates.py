"""Every template compiles, holds no script and no handler, and finds what it includes."""

import re
from pathlib import Path

import pytest
from django.template.loader import get_template

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "templates"
TEMPLATES = sorted(path.relative_to(FOLDER) for path in FOLDER.rglob("*") if path.suffix in (".html", ".txt"))

COMMENTS = re.compile(r"{#.*?#}|{% comment.*?%}.*?{% endcomment %}|<!--.*?-->", re.DOTALL)
TAGS = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=.application/json)[^>]*>", re.IGNORECASE)
HANDLER = re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE)
EVAL_ATTRIBUTE = re.compile(r"hx-on[:-]|hx-vals=.?js:|javascript:", re.IGNORECASE)
ELSEWHERE = re.compile(r"(?:src|href)=[\"'](?:https?:)?//", re.IGNORECASE)
REFERENCE = re.compile(r"{%\s*(?:include|extends)\s+[\"']([^\"'#]+)")


@pytest.mark.parametrize("name", TEMPLATES, ids=str)
class TestTemplate:
    def source(self, name: Path) -> str:
        return COMMENTS.sub("", (FOLDER / name).read_text())

    def test_compiles(self, name):
        get_template(str(name))

    def test_holds_no_script_and_no_handler(self, name):
        source = TAGS.sub("", self.source(name))
        found = [
            match.group()
            for pattern in (INLINE_SCRIPT, HANDLER, EVAL_ATTRIBUTE)
            for match in pattern.finditer(source)
        ]
        assert found == []

    def test_loads_nothing_from_elsewhere(self, name):
        links = [match.group() for match in ELSEWHERE.finditer(self.source(name))]
        assert links == []

    def test_finds_what_it_includes(self, name):
        for reference in REFERENCE.findall(self.source(name)):
            get_template(reference)

    def test_has_no_comment_that_would_be_printed(self, name):
        """Django's short comment ends with its line: a longer one stands on the page for all to read."""
        for line in (FOLDER / name).read_text().splitlines():
            assert line.count("{#") == line.count("#}"), line
