"""Converts Markdown and HTML, as chat models write them, to plain text with line ends and full stops as pauses.

markdown-it (CommonMark with tables and task lists) parses the structure; prose and arithmetic that only look like
markup are kept.
"""

from collections.abc import Collection, Sequence
from functools import cache

import regex
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, blockquote, reference
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from ttsai_server.text.formulas import read_formulas

_PERHAPS = regex.compile(
    r"""[#*_~`>|\[\]\\<&$=•‣◦▪●○►] | ^[^\S\n]*(?:[-+]|\d{1,9}[.)])[^\S\n] | ^[^\S\n]*-{2,}[^\S\n]*$ | (?<!\w):[a-z]""",
    regex.VERBOSE | regex.MULTILINE,
)
_BULLET = regex.compile(r"^([^\S\n]*)[•‣◦▪●○►][^\S\n]*", regex.MULTILINE)
_COMMENT = regex.compile(r"<!--.*?-->", regex.DOTALL)
_COMPARED = regex.compile(r">(?:=|\p{Sc}?\d)")
"""`>5` means greater than; it is not a quotation."""
_LINK_TARGET = regex.compile(r"\[[^\]]{1,100}\]:\s*<?(?:[a-z][a-z+.-]{1,15}:|/|#|www\.)", regex.IGNORECASE)
"""`[1]: https://…`, but not a speaker's line, `[Ann]: …`."""

_MARKED = regex.compile(r"(?<![\w=<>!])==(?=[^\s=])([^=\n]{1,300})(?<=\S)==(?![\w=])")
_NOTE = regex.compile(r"^\[\^[\w-]{1,30}\]:[^\S\n]*", regex.MULTILINE)
_ALERT = regex.compile(r"^\[!(\w{3,20})\][^\S\n]*$", regex.MULTILINE)

_NOTE_MARK = regex.compile(r"(?<=\S)\[\^[\w-]{1,30}\]")
_SHORTCODE = regex.compile(r"(?<![\w:]):([a-z][a-z0-9_+-]{1,40}):(?![\w:])")
_RULE = regex.compile(r"^[^\S\n]*(?:[=~+*_|:-][^\S\n]?){3,}$\n?", regex.MULTILINE)
_ROW = regex.compile(r"^[^\S\n]*\|(.*)\|[^\S\n]*$", regex.MULTILINE)
"""A table row without a table head."""

_TAG = regex.compile(r"</?([A-Za-z][\w:-]*)(?:\s[^>]*=[^>]*)?\s*/?>")
_WHOLE_TAG = regex.compile(r"</?[A-Za-z][\w:-]*(?:\s[^<>]{0,300}=[^<>]{0,300})?\s*/?>")
_TARGET = regex.compile(
    r"""(?<=\])\(\s*(?:<[^<>\n]*>|[^\s()]*(?:\([^\s()]*\)[^\s()]*)*)(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)"""
)
"""`(https://… "title")`, after the text of a link."""
_DEFINITION = regex.compile(rf"^[^\S\n]{{0,3}}{_LINK_TARGET.pattern}[^\n]*$", regex.IGNORECASE | regex.MULTILINE)
_END_TAG = regex.compile(r"</([A-Za-z][\w:-]*)\s*>")
_LINE, _CELL, _BLOCK = "\x1c", "\x1d", "\x1e"
"""Placeholders for separating tags; cleaned text contains no control characters."""
_BLOCK_TAGS = """
address article aside blockquote body caption center col colgroup dd details dialog div dl dt fieldset figcaption figure
footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main menu nav ol optgroup option p pre section select speak
summary table tbody tfoot thead title tr ul
"""
_WORD_TAGS = """
a abbr acronym audio b bdi bdo big button cite code data del dfn em emphasis font i img input ins kbd label link mark
meta phoneme prosody q rp rt ruby s samp say-as script small source span strike strong style sub sup svg time tt u var
video voice wbr
"""
_PARTING = {"br": _LINE, "break": _LINE, "td": _CELL, "th": _CELL} | dict.fromkeys(_BLOCK_TAGS.split(), _BLOCK)
_READ_ON = frozenset(_WORD_TAGS.split())
"""Inline tags of HTML and SSML, which don't separate words."""

_STOPS = frozenset(".,;:!?…。，、；：！？،؛؟।॥—–")
_DECORATION = regex.compile(r"[\s\p{So}\p{Sk}\p{Emoji_Modifier}\ufe0f\u200d]")
_CLOSING = frozenset("\"'”’»)]」』）*_")
_FULL_WIDTH = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")
_DEVANAGARI = regex.compile(r"\p{Devanagari}")


def unmarked(text: str) -> str:
    """Remove the markup of a text; headings, list items, table rows and lines of code end with a full stop.

    text: cleaned; returned unchanged if it has no markup. Links and images become their text, without the address; the
    numbers of a list are kept. Runs in linear time.
    """
    if not _PERHAPS.search(text):
        return text
    last = text.rfind("-->") + 1  # no comment ends after it, and looking for its end would take quadratic time
    text = _COMMENT.sub("", text[: last + 2]) + text[last + 2 :] if last else text
    tags = frozenset(name.lower() for name in _END_TAG.findall(text))
    return _Reading(_parser().parse(_BULLET.sub(r"\1* ", text)), _READ_ON | tags).text


def without_addresses(text: str) -> str:
    """The text with blanks in place of what `unmarked` certainly leaves out: comments, tags, addresses of links."""
    last = text.rfind("-->") + 1
    blank = _COMMENT.sub(_blanks, text[: last + 2]) + text[last + 2 :] if last else text
    for pattern in (_WHOLE_TAG, _TARGET, _DEFINITION):
        blank = pattern.sub(_blanks, blank)
    return blank


def _blanks(found: regex.Match[str]) -> str:
    return " " * len(found[0])


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "tasklists": True}).enable(["table", "strikethrough"])
    parser.disable(["code", "html_block"])  # indented text is prose; text between tags is parsed as usual
    parser.block.ruler.at("blockquote", _quotation, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    parser.block.ruler.at("reference", _address)
    parser.core.ruler.before("inline", "marks", _marks)
    parser.inline.ruler.before("emphasis", "asterisk", _asterisk)
    parser.parse("*")  # compiles the rules, which happens at the first use and is not thread-safe
    return parser


def _quotation(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return not _COMPARED.match(_line(state, start)) and blockquote(state, start, end, silent)


def _address(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return bool(_LINK_TARGET.match(_line(state, start))) and reference(state, start, end, silent)


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _marks(state: StateCore) -> None:
    """Remove markup that is not part of CommonMark."""
    for token in state.tokens:
        if token.type == "inline":
            content = _MARKED.sub(r"\1", _NOTE.sub("", _ALERT.sub(r"\1.", token.content)))
            token.content = read_formulas(content)


def _asterisk(state: StateInline, silent: bool) -> bool:
    """`2*3*4` and `x**2`: signs between words, not emphasis. `**API**s` is."""
    start = end = state.pos
    while end < state.posMax and state.src[end] == "*":
        end += 1
    before, after = state.src[start - 1 : start], state.src[end : end + 1]
    if start == end or not (before + after).isascii() or not (before.isalnum() and after.isalnum()):
        return False
    if end - start > 1 and not after.isdecimal():
        return False
    if not silent:
        state.pending += state.src[start:end]
    state.pos = end
    return True


class _Reading:
    """Builds the plain text of a parsed document."""

    def __init__(self, tokens: Sequence[Token], silent: Collection[str]) -> None:
        """silent: names of the tags to drop; others may be words in `<brackets>`."""
        self._silent = silent
        self._parts: list[str] = []
        self._apart = True
        """Whether the next text is a new paragraph."""
        self._depth = 0
        """Depth of nested lists."""
        self._mark = ""
        """Marker of the list item."""
        self._ends = False
        """Whether the block ends with a full stop."""
        self._cells: list[str] = []
        for number, token in enumerate(tokens):
            self._read(token, tokens, number)

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def _read(self, token: Token, tokens: Sequence[Token], number: int) -> None:
        match token.type:
            case "inline":
                self._words(self._spoken(token.children or ()), tokens[number - 1].type)
            case "bullet_list_open" | "ordered_list_open":
                self._apart |= not self._depth
                self._depth += 1
            case "bullet_list_close" | "ordered_list_close":
                self._depth -= 1
                self._apart |= not self._depth
            case "list_item_open":
                kept = _is_kept(tokens, number)
                self._mark, self._ends = f"{token.info}{token.markup} " if token.info or kept else "", not kept
            case "list_item_close":
                self._mark = ""
            case "tr_close":
                self._add(_row(self._cells), tight=True)
                self._cells = []
            case "fence":
                self._apart = True
                for line in token.content.split("\n"):
                    self._add(_ended(line.strip()), tight=True)
                self._apart = True
            case "table_open" | "table_close" | "hr":
                self._apart = True
            case _:
                pass

    def _words(self, text: str, block: str) -> None:
        if block in ("td_open", "th_open"):
            self._cells.append(text.replace(_BLOCK, " "))
            return
        ends = block == "heading_open" or (self._depth > 0 and self._ends) or _BLOCK in text
        for part in text.split(_BLOCK):
            said = _ROW.sub(lambda row: _row(row[1].split("|")), _RULE.sub("", part)).strip()
            self._add(_ended(said) if ends else said, tight=self._depth > 0)

    def _add(self, line: str, tight: bool) -> None:
        if not line:
            return
        if self._parts:
            self._parts.append("\n" if tight and not self._apart else "\n\n")
        self._parts.append(self._mark + line)
        self._apart, self._mark = not tight, ""

    def _spoken(self, children: Sequence[Token]) -> str:
        said = list[str]()
        for token in children:
            match token.type:
                case "text":
                    words = _NOTE_MARK.sub("", token.content)
                    said.append(_SHORTCODE.sub(lambda found: found[1].replace("_", " "), words))
                case "code_inline":
                    said.append(token.content)
                case "softbreak" | "hardbreak":
                    said.append("\n")
                case "image":
                    said.append(self._spoken(token.children or ()))
                case "html_inline":
                    said.append(self._tag(token.content, bool(said) and said[-1][-1:].isalnum()))
                case _:
                    pass
        return _parted("".join(said))

    def _tag(self, tag: str, after_word: bool) -> str:
        """Text for a tag: nothing, a pause, or its words if it is no tag (`<your name>`, `a<b and c>d`)."""
        known = _TAG.fullmatch(tag)
        if not known and after_word:
            return tag
        name = known[1].lower() if known else ""
        if name in _PARTING:
            return "" if _PARTING[name] == _CELL and tag.startswith("</") else _PARTING[name]
        if name in self._silent:
            return ""
        return " " if tag.startswith(("<!", "<?")) else f" {tag.strip('<>/')} "


def _is_kept(tokens: Sequence[Token], item: int) -> bool:
    """Whether a list with a single item is prose, so that its marker is kept: `- 5 degrees`, `1. FC Köln`."""
    if tokens[item - 1].map != tokens[item].map or not tokens[item - 1].type.endswith("_list_open"):
        return False
    words = tokens[item + 2].content if item + 2 < len(tokens) else ""
    return bool(tokens[item].info) or (tokens[item].markup != "*" and words[:1].isdecimal())


def _parted(text: str) -> str:
    """Replace the placeholders for ends of cells and lines by commas."""
    if _LINE not in text and _CELL not in text:
        return text
    blocks = (block.split(_LINE) for block in text.split(_BLOCK))
    return _BLOCK.join(_listed([_listed(line.split(_CELL), " ") for line in block], "\n") for block in blocks)


def _row(cells: Sequence[str]) -> str:
    return _ended(_listed(cells, " "))


def _listed(parts: Sequence[str], between: str) -> str:
    """Join the parts, with a comma after each but the last that has no punctuation at its end."""
    said = [part.strip() for part in parts if part.strip()]
    return between.join([*(part if _stopped(part) else f"{part}," for part in said[:-1]), *said[-1:]])


def _ended(line: str) -> str:
    """Add a full stop, before any emoji at the end, unless there is final punctuation."""
    words = _words_end(line)
    if not words or _stopped(line):
        return line
    stop = "。" if _FULL_WIDTH.match(line[words - 1]) else "।" if _DEVANAGARI.match(line[words - 1]) else "."
    return f"{line[:words]}{stop}{line[words:]}"


def _stopped(line: str) -> bool:
    """Whether it ends with final punctuation, possibly followed by quotes and emoji."""
    end = _words_end(line)
    while end and line[end - 1] in _CLOSING:
        end -= 1
    return line[end - 1 : end] in _STOPS


def _words_end(line: str) -> int:
    """Its length without the emoji at its end."""
    end = len(line)
    while end and _DECORATION.match(line[end - 1]):
        end -= 1
    return end
