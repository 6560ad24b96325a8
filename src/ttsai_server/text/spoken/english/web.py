"""Addresses, file names, paths, hashtags and names of program parts."""

import re

from ttsai_server.text.spoken.numbers import Numbers
from ttsai_server.text.spoken.rules import Rule

_SIGNS = {
    ".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", ":": "colon", "?": "question mark",
    "=": "equals", "&": "and", "#": "hash", "%": "percent", "~": "tilde", "+": "plus", "\\": "backslash",
}  # fmt: skip

_TLD = r"(?:com|org|net|edu|gov|io|ai|dev|app|co|uk|us|de|fr|es|it|eu|info|me|tv|ly|gg|xyz|br|in|jp|cn|ca|au|ch|nl)"
_EXTENSION = (
    r"(?:pdf|txt|py|js|ts|html?|css|json|csv|xml|docx?|xlsx?|pptx?|png|jpe?g|gif|svg|mp[34]|wav|flac|ogg|zip|tar|gz|exe"
    r"|md|toml|ya?ml|ini|cfg|log|sh|bat|rs|go|java|cpp|sql|db|onnx|bin|ipynb|jar|apk|iso|env|lock)"
)
_SAID = {"json": "jason", "zip": "zip", "tar": "tar", "log": "log", "bat": "bat", "bin": "bin", "lock": "lock",
         "java": "java", "go": "go", "wav": "wave", "flac": "flack", "jar": "jar", "toml": "tommle", "yaml": "yammle",
         "gif": "gif", "com": "com", "org": "org", "net": "net", "info": "info", "dev": "dev", "app": "app", "me": "me",
         "co": "co", "jpeg": "jay peg", "env": "env", "ini": "inny"}  # fmt: skip
_SPELLED = re.compile(rf"(?i)^(?:https?|ftp|www|bbc|{_TLD}|{_EXTENSION})$")


def spell(letters: str) -> str:
    """The letters by their names, as one word: PDF → P.D.F"""
    return letters.upper() if len(letters) == 1 else ".".join(letters.upper())


def _piece(piece: str, last: bool) -> str:
    if (last or piece.lower() in ("www", "http", "https", "ftp", "bbc")) and _SPELLED.match(piece):
        return _SAID.get(piece.lower()) or spell(piece)
    return piece


def address(text: str) -> str:
    """An address or file name with its signs named: bbc.co.uk/a → B.B.C dot co dot U.K slash a"""
    text = re.sub(r"^(https?|ftp)://", lambda m: f"{m[1]} ", text)
    said: list[str] = []
    for m in re.finditer(r"[^\W\d_]+|\d+|[^\w\s]|_", text):
        after_dot = bool(said) and said[-1] == "dot"
        said.append(_SIGNS.get(m[0], m[0]) if not m[0].isalnum() else _piece(m[0], after_dot))
    return " ".join(said)


def _path(m: re.Match[str]) -> str:
    return f"{address(m[0])} "


def rules(say: Numbers) -> list[Rule]:
    """The longest forms first: a URL holds a host name, which holds what looks like a file name."""
    end = r"[\w/=&#%~-]"
    labels = r"(?:\.[\w-]{1,63}){0,5}"
    return [
        (re.compile(r"\]\((?=\S)"), lambda m: "], ("),
        (re.compile(rf"(?i)\b(?:https?|ftp)://\S*{end}"), lambda m: address(m[0])),
        (re.compile(rf"(?i)(?<![\w.+-])[\w.+-]{{1,64}}@[\w-]{{1,63}}{labels}\.[a-z]{{2,}}\b"), lambda m: address(m[0])),
        (re.compile(rf"(?i)\bwww\.\S*{end}"), lambda m: address(m[0])),
        (
            re.compile(rf"(?<![\w.-])[A-Za-z0-9][\w-]{{0,62}}{labels}\.{_TLD}\b(?:/\S*{end}|/)?"),
            lambda m: address(m[0]),
        ),
        (re.compile(rf"(?<![\w.-])[\w-]{{1,63}}{labels}\.{_EXTENSION}\b"), lambda m: address(m[0])),
        (re.compile(r"(?:(?<=\s)|^)~?(?:/[\w.-]*\w)+/?(?=[\s,.;:!?)]|$)"), _path),
        (re.compile(r"(?<=\()(?:/\w+)+/?(?=\))"), _path),
        (re.compile(r"\b[A-Za-z]:(?:\\[\w.-]+)+"), _path),
        (re.compile(r"(?<![\w&])#(?=\d*[^\W\d])"), lambda m: "hashtag "),
        (re.compile(r"(?<!\w)@(?=\w)"), lambda m: "at "),
        (re.compile(r"(?<=\w)_+(?=\w)"), lambda m: " underscore "),
        (re.compile(r"(?<=\w)\(\)"), lambda m: " "),
    ]
