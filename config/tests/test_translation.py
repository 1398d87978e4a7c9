"""Every string that a person sees on a page is marked for translation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template.base import Lexer, TokenType

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html")) + sorted(
    (ROOT / "templates").rglob("*.txt")
)
WORD = re.compile(r"[^\W\d_]{2,}")
# Names, units and keys, the same in every language.
UNTRANSLATED = {"Switchboard", "Retell", "Retell AI", "CSV", "XLSX", "PDF", "JSON", "HTTP", "ms",
                "UTC", "Enter", "ID", "URL",
                # Of classes of the admin's pages.
                "theme-", "dashboard"}  # fmt: skip
READ_ALOUD = {"title", "aria-label", "placeholder", "alt", "label", "aria-description"}
LITERAL_ELEMENTS = {"script", "style", "code", "kbd", "pre"}
# Arguments of {% include … with %} and other tags that are shown.
SHOWN_ARGUMENT = re.compile(r"""\b(?!class|icon|kind|tone|name|url|id)\w+=(["'])([^"']*)\1""")
VALUE = "\ufffc"

# Where strings for pages are written in Python.
PAGE_MODULES = re.compile(
    r"(^|/)(forms?|forms_\w+|\w+_forms|views?|views_\w+|presentation|navigation|filters|filtering"
    r"|attention|periods|notices|selection|columns)(/\w+)?\.py$"
)
SENTENCE = re.compile(r"^[A-Z“][^\n]*[ .…]")
MARKS = {
    "_",
    "lazy",
    "gettext",
    "gettext_noop",
    "gettext_lazy",
    "ngettext",
    "ngettext_lazy",
    "pgettext",
    "pgettext_lazy",
}
SHOWN_KEYWORDS = {"label", "help_text", "empty_label"}


def markup(template: Path) -> str:
    """The template's own text: values and translated parts replaced by one character."""
    parts, hidden = [], ""
    for token in Lexer(template.read_text()).tokenize():
        command = token.contents.split(" ", 1)[0]
        if token.token_type == TokenType.BLOCK:
            if hidden:
                hidden = "" if command == hidden else hidden
            elif command in ("blocktranslate", "comment", "verbatim"):
                hidden = f"end{command}"
            parts.append(VALUE if command in ("translate", "endblocktranslate") else "")
        elif not hidden and token.token_type == TokenType.TEXT:
            parts.append(token.contents)
        elif not hidden and token.token_type == TokenType.VAR:
            parts.append(VALUE)
    return "".join(parts)


class Texts(HTMLParser):
    """Collects what is read on a page: text and some attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.literal = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.literal += tag in LITERAL_ELEMENTS
        self.found += [value or "" for name, value in attrs if name in READ_ALOUD]

    def handle_endtag(self, tag: str) -> None:
        self.literal -= tag in LITERAL_ELEMENTS

    def handle_data(self, data: str) -> None:
        if not self.literal:
            self.found.append(data)


def shown_arguments(template: Path) -> Iterator[str]:
    for token in Lexer(template.read_text()).tokenize():
        if token.token_type == TokenType.BLOCK and token.contents.startswith("include "):
            for _quote, text in SHOWN_ARGUMENT.findall(token.contents):
                if " " in text or text[:1].isupper():
                    yield text


def unmarked(template: Path) -> list[str]:
    texts = Texts()
    texts.feed(markup(template).removeprefix("Subject: "))  # of a mail
    texts.close()
    found = [*texts.found, *shown_arguments(template)]
    words = (" ".join(text.replace(VALUE, " ").split()) for text in found)
    return [
        text for text in words if WORD.search(text) and text.strip(" ·:,.()") not in UNTRANSLATED
    ]


def _is_mark(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    return name in MARKS or name in {"Action", "getLogger", "compile", "get_logger"}


def sentences(node: ast.AST) -> Iterator[str]:
    """Strings that read like a label or a sentence, outside marks and docstrings."""
    for child in ast.iter_child_nodes(node):
        is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        if _is_mark(child) or is_docstring:
            continue
        is_label = isinstance(child, ast.keyword) and child.arg in SHOWN_KEYWORDS
        text = _text(child.value if isinstance(child, ast.keyword) else child)
        if text and (is_label or SENTENCE.match(text)):
            yield text
        elif not is_label or not text:
            yield from sentences(child)


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def page_modules() -> list[Path]:
    files = (path for app in ROOT.glob("*/apps.py") for path in app.parent.rglob("*.py"))
    kept = [*files, *(ROOT / "config").rglob("*.py")]
    return sorted(
        path
        for path in kept
        if "tests" not in path.parts
        and "demo" not in path.parts
        # The API's document has one language: helps and examples for programmers. What is answered
        # to people comes from the actions and forms below, which are read here.
        and "api" not in path.parts
        and PAGE_MODULES.search(str(path.relative_to(ROOT)))
    )


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_says_nothing_untranslatable(template: Path) -> None:
    assert unmarked(template) == []


@pytest.mark.parametrize("module", page_modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_of_pages_marks_its_sentences(module: Path) -> None:
    assert list(sentences(ast.parse(module.read_text()))) == []
