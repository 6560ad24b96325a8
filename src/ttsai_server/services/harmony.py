"""Names of musical keys, and which of them go together.

A key is its tonic, a pitch class (0 is C, 11 is B), and whether it is minor.
"""

from typing import NamedTuple

NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
"""As Camelot's wheel is printed, for major and minor alike."""
CIRCLE = 12
"""Places on the circle of fifths; Camelot's wheel numbers them, C major being 8B and its relative A minor 8A."""


class Key(NamedTuple):
    tonic: int
    minor: bool = False

    @property
    def tonic_name(self) -> str:
        """`C`, `F#`, `Bb`."""
        return NAMES[self.tonic]

    @property
    def scale_name(self) -> str:
        """`Major` or `Minor`."""
        return "Minor" if self.minor else "Major"

    @property
    def name(self) -> str:
        """`C Major`."""
        return f"{self.tonic_name} {self.scale_name}"

    @property
    def relative(self) -> "Key":
        """The key of the other kind with the same notes: A minor of C major."""
        return Key((self.tonic + (3 if self.minor else -3)) % 12, not self.minor)

    @property
    def camelot(self) -> str:
        """Its place on Camelot's wheel, `1A` to `12B`: fifths go round it, and relative keys share a number."""
        major = self.relative.tonic if self.minor else self.tonic
        return f"{(7 * major + 7) % CIRCLE + 1}{'A' if self.minor else 'B'}"

    @property
    def compatible(self) -> "tuple[Key, ...]":
        """What mixes well with it: itself, a fifth up, a fifth down, and its relative."""
        return self, Key((self.tonic + 7) % 12, self.minor), Key((self.tonic + 5) % 12, self.minor), self.relative
