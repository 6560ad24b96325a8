"""Numbers with a unit: 5km, 20°C, 6 ft., 100 km/h, 20 m²."""

import re

from ttsai_server.text.spoken.numbers import NUMBER, Numbers
from ttsai_server.text.spoken.rules import Rule

_METRIC = {
    "km": "kilometer", "cm": "centimeter", "mm": "millimeter", "µm": "micrometer", "μm": "micrometer",
    "nm": "nanometer", "m": "meter", "kg": "kilogram", "g": "gram", "mg": "milligram", "l": "liter", "L": "liter",
    "ml": "milliliter", "mL": "milliliter", "cl": "centiliter", "ha": "hectare",
}  # fmt: skip
_OTHER = {
    "mi": ("mile", "miles"), "ft": ("foot", "feet"), "ft.": ("foot", "feet"), "in.": ("inch", "inches"),
    "yd": ("yard", "yards"), "yds": ("yard", "yards"), "lb": ("pound", "pounds"), "lbs": ("pound", "pounds"),
    "lb.": ("pound", "pounds"), "lbs.": ("pound", "pounds"), "oz": ("ounce", "ounces"), "oz.": ("ounce", "ounces"),
    "gal": ("gallon", "gallons"), "tbsp.": ("tablespoon", "tablespoons"), "tsp.": ("teaspoon", "teaspoons"),
    "tbsp": ("tablespoon", "tablespoons"), "tsp": ("teaspoon", "teaspoons"),
    "mph": ("mile per hour", "miles per hour"), "kph": ("kilometer per hour", "kilometers per hour"),
    "km/h": ("kilometer per hour", "kilometers per hour"), "kmh": ("kilometer per hour", "kilometers per hour"),
    "m/s": ("meter per second", "meters per second"), "rpm": ("R.P.M", "R.P.M"), "fps": ("F.P.S", "F.P.S"),
    "kB": ("kilobyte", "kilobytes"), "KB": ("kilobyte", "kilobytes"), "MB": ("megabyte", "megabytes"),
    "GB": ("gigabyte", "gigabytes"), "TB": ("terabyte", "terabytes"), "PB": ("petabyte", "petabytes"),
    "GiB": ("gigabyte", "gigabytes"), "MiB": ("megabyte", "megabytes"), "KiB": ("kilobyte", "kilobytes"),
    "Mbps": ("megabit per second", "megabits per second"), "Gbps": ("gigabit per second", "gigabits per second"),
    "kbps": ("kilobit per second", "kilobits per second"), "Mb/s": ("megabit per second", "megabits per second"),
    "MB/s": ("megabyte per second", "megabytes per second"), "GB/s": ("gigabyte per second", "gigabytes per second"),
    "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"), "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"), "ms": ("millisecond", "milliseconds"), "µs": ("microsecond", "microseconds"),
    "ns": ("nanosecond", "nanoseconds"), "s": ("second", "seconds"), "sec": ("second", "seconds"),
    "secs": ("second", "seconds"), "min": ("minute", "minutes"), "mins": ("minute", "minutes"), "h": ("hour", "hours"),
    "hr": ("hour", "hours"), "hrs": ("hour", "hours"), "yr": ("year", "years"), "yrs": ("year", "years"),
    "W": ("watt", "watts"), "kW": ("kilowatt", "kilowatts"), "MW": ("megawatt", "megawatts"),
    "GW": ("gigawatt", "gigawatts"), "kWh": ("kilowatt hour", "kilowatt hours"), "V": ("volt", "volts"),
    "kV": ("kilovolt", "kilovolts"), "mV": ("millivolt", "millivolts"), "mA": ("milliamp", "milliamps"),
    "mAh": ("milliamp hour", "milliamp hours"), "dB": ("decibel", "decibels"), "px": ("pixel", "pixels"),
    "psi": ("P.S.I", "P.S.I"), "Pa": ("pascal", "pascals"), "kPa": ("kilo pascal", "kilo pascals"),
    "cal": ("calorie", "calories"), "kcal": ("kilocalorie", "kilocalories"), "kJ": ("kilo joule", "kilo joules"),
    "N": ("newton", "newtons"), "°C": ("degree Celsius", "degrees Celsius"), "x": ("time", "times"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"), "°": ("degree", "degrees"), "%": ("percent", "percent"),
    "K": ("K", "K"), "k": ("thousand", "thousand"), "M": ("million", "million"), "bn": ("billion", "billion"),
}  # fmt: skip
_ATTACHED_ONLY = {"s", "h", "m", "g", "l", "L", "x", "K", "k", "M", "N", "V", "W", "%", "°"}
"""These are words or names of their own when a space goes before: 5 V is read as it is."""
_SPACED_TOO = {"m", "g", "l", "L", "%", "°", "V", "W", "h", "s"}


def _names(british: bool) -> dict[str, tuple[str, str]]:
    metric = {unit: re.sub(r"(met|lit)er$", r"\1re", word) if british else word for unit, word in _METRIC.items()}
    return {**{unit: (word, f"{word}s") for unit, word in metric.items()}, **_OTHER}


class _Units:
    def __init__(self, say: Numbers) -> None:
        self.say, self.names = say, _names(say.british)

    def measured(self, m: re.Match[str]) -> str:
        minus = "minus " if m["minus"] else ""
        said = self.say.number(m["n"]) + (f" to {self.say.number(m['to'])}" if m["to"] else "")
        one = (m["n"] == "1" and not m["to"]) or m["noun"] is not None
        unit = self.names[m["unit"]][0 if one else 1]
        power = {"2": "square ", "3": "cubic "}.get(m["power"] or "", "")
        stop = "." if m["unit"].endswith(".") and not m.string[m.end() :].strip() else ""
        per = f" per {_PER[m['per']]}" if m["per"] else ""
        return f"{minus}{said} {power}{unit}{per}{stop}"

    def height(self, m: re.Match[str]) -> str:
        return f"{self.say.whole(m['ft'])} foot" + (f" {self.say.whole(m['in'])}" if m["in"] else "")


_PER = {"s": "second", "h": "hour", "day": "day", "min": "minute", "kg": "kilogram", "L": "liter", "l": "liter"}
_NOUN = r"run|race|walk|ride|drive|hike|radius|lens|drive|cable|wire|file|limit|bag|box|bottle|zone|jump|swim|sprint"


def rules(say: Numbers) -> list[Rule]:
    units = _Units(say)
    names = sorted(units.names, key=len, reverse=True)
    spaced = "|".join(re.escape(u) for u in names if u not in _ATTACHED_ONLY or u in _SPACED_TOO)
    joined = "|".join(re.escape(u) for u in names)
    number = rf"(?P<minus>(?<![\w\d)])[-−])?(?<![\w.,])(?P<n>{NUMBER})(?:\s?[-–]\s?(?P<to>{NUMBER}))?"
    tail = rf"(?:\^(?P<power>[23]))?(?:/(?P<per>{'|'.join(_PER)}))?(?![\w/])(?P<noun>(?= (?:{_NOUN})\b))?"
    return [
        (re.compile(r"(?<![\w.])(?P<ft>\d)['’′](?:\s?(?P<in>\d{1,2})(?:[\"”″]|['’]{2}))?(?!\w)"), units.height),
        (re.compile(rf"{number}-?(?P<unit>{joined}){tail}"), units.measured),
        (re.compile(rf"{number}[ \u00a0](?P<unit>{spaced}){tail}"), units.measured),
    ]
