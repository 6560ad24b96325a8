"""Signs of units → their names, one and many."""

_METRIC = {
    "km": "kilometer", "dm": "decimeter", "cm": "centimeter", "mm": "millimeter", "μm": "micrometer",
    "nm": "nanometer", "m": "meter", "kg": "kilogram", "g": "gram", "mg": "milligram", "μg": "microgram",
    "mcg": "microgram", "l": "liter", "L": "liter", "ml": "milliliter", "mL": "milliliter", "cl": "centiliter",
    "cL": "centiliter", "dl": "deciliter", "dL": "deciliter", "μl": "microliter", "μL": "microliter", "ha": "hectare",
    "sq m": "square meter", "sq km": "square kilometer", "cu m": "cubic meter", "Nm": "newton meter",
}  # fmt: skip
"""Spelled -re by the British. Micro is the Greek letter, as text is folded to it."""
_REGULAR = {
    "mi": "mile", "yd": "yard", "yds": "yard", "lb": "pound", "lbs": "pound", "oz": "ounce", "gal": "gallon",
    "pt": "pint", "qt": "quart", "qts": "quart", "fl oz": "fluid ounce", "fl. oz": "fluid ounce", "tbsp": "tablespoon",
    "Tbsp": "tablespoon", "tsp": "teaspoon", "kn": "knot", "kts": "knot", "t": "ton", "sq mi": "square mile",
    "sq yd": "square yard", "cu yd": "cubic yard", "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte",
    "GB": "gigabyte", "TB": "terabyte", "PB": "petabyte", "KiB": "kilobyte", "MiB": "megabyte", "GiB": "gigabyte",
    "TiB": "terabyte", "Mb": "megabit", "Gb": "gigabit", "ms": "millisecond", "μs": "microsecond", "ns": "nanosecond",
    "s": "second", "sec": "second", "secs": "second", "min": "minute", "mins": "minute", "h": "hour", "hr": "hour",
    "hrs": "hour", "wk": "week", "wks": "week", "mo": "month", "mos": "month", "yr": "year", "yrs": "year",
    "mW": "milliwatt", "W": "watt", "kW": "kilowatt", "MW": "megawatt", "GW": "gigawatt", "Wh": "watt hour",
    "kWh": "kilowatt hour", "MWh": "megawatt hour", "V": "volt", "kV": "kilovolt", "mV": "millivolt", "mA": "milliamp",
    "Ah": "amp hour", "mAh": "milliamp hour", "Ω": "ohm", "kΩ": "kilo ohm", "MΩ": "mega ohm", "dB": "decibel",
    "px": "pixel", "Pa": "pascal", "hPa": "hecto pascal", "kPa": "kilo pascal", "MPa": "mega pascal",
    "mbar": "millibar", "cal": "calorie", "kcal": "kilocalorie", "J": "joule", "kJ": "kilo joule", "MJ": "mega joule",
    "N": "newton", "kN": "kilo newton", "mol": "mole", "mmol": "millimole", "eV": "electron volt", "lm": "lumen",
    "atm": "atmosphere",
}  # fmt: skip
_OTHER = {
    "ft": ("foot", "feet"), "in": ("inch", "inches"), '"': ("inch", "inches"), "″": ("inch", "inches"),
    "sq ft": ("square foot", "square feet"), "sq. ft": ("square foot", "square feet"),
    "sqft": ("square foot", "square feet"), "sq in": ("square inch", "square inches"),
    "cu ft": ("cubic foot", "cubic feet"), "cu. ft": ("cubic foot", "cubic feet"),
    "cu in": ("cubic inch", "cubic inches"), "ft lb": ("foot pound", "foot pounds"),
    "ft-lb": ("foot pound", "foot pounds"), "mph": ("mile per hour", "miles per hour"),
    "mpg": ("mile per gallon", "miles per gallon"), "bpm": ("beat per minute", "beats per minute"),
    "fps": ("frame per second", "frames per second"), "rpm": ("R.P.M", "R.P.M"), "dpi": ("D.P.I", "D.P.I"),
    "ppi": ("P.P.I", "P.P.I"), "psi": ("P.S.I", "P.S.I"), "cc": ("C.C", "C.C"), "IU": ("I.U", "I.U"),
    "ppm": ("parts per million", "parts per million"), "ppb": ("parts per billion", "parts per billion"),
    "hp": ("horsepower", "horsepower"), "kbps": ("kilobit per second", "kilobits per second"),
    "Mbps": ("megabit per second", "megabits per second"), "Gbps": ("gigabit per second", "gigabits per second"),
    "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"), "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"), "THz": ("terahertz", "terahertz"), "lx": ("lux", "lux"), "bar": ("bar", "bar"),
    "°C": ("degree Celsius", "degrees Celsius"), "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "° C": ("degree Celsius", "degrees Celsius"), "° F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"), "%": ("percent", "percent"), "x": ("time", "times"), "×": ("time", "times"),
    "K": ("K", "K"), "k": ("thousand", "thousand"), "M": ("million", "million"), "bn": ("billion", "billion"),
}  # fmt: skip


def unit_names(british: bool) -> dict[str, tuple[str, str]]:
    """One and many of every unit: "kilometer" and "kilometers", or the British "kilometre" and "kilometres"."""
    er = "re" if british else "er"
    metric = {unit: f"{word[:-2]}{er}" if word.endswith(("meter", "liter")) else word for unit, word in _METRIC.items()}
    hourly = dict.fromkeys(("kph", "kmh", "km/h"), (f"kilomet{er} per hour", f"kilomet{er}s per hour"))
    mercury = {"mmHg": (f"millimet{er} of mercury", f"millimet{er}s of mercury")}
    return {**{unit: (word, f"{word}s") for unit, word in (metric | _REGULAR).items()}, **_OTHER, **hourly, **mercury}
