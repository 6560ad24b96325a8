"""Spanish, French, Italian and Portuguese."""

import re

from ttsai_server.text.spoken.continental.table import Forms, Table, by_num2words, listed


def _money(
    euro: Forms, dollar: Forms, pound: Forms, rupee: Forms, cent: Forms, penny: Forms
) -> dict[str, tuple[Forms, Forms]]:
    return {
        "€": (euro, cent),
        "$": (dollar, cent),
        "£": (pound, penny),
        "R$": (("real", "reais"), cent),
        "¥": (("yen", "yen"), cent),
        "₹": (rupee, cent),
    }


SPANISH = Table(
    cardinal=by_num2words("es"),
    ordinal=by_num2words("es", "ordinal"),
    ordinal_marks=r"\.?(?:°|er\b|o\b|a\b)",
    point="coma",
    minus="menos",
    to="a",
    of="de",
    and_="con",
    hour=lambda h, m: f"{'una' if h == 'uno' else h} y {m}" if m else f"{'una' if h == 'uno' else h} en punto",
    months=listed(
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
    ),
    money=_money(("euro", "euros"), ("dólar", "dólares"), ("libra", "libras"), ("rupia", "rupias"), ("céntimo",
    "céntimos"), ("penique", "peniques")),
    units={
        "km": ("kilómetro", "kilómetros"), "m": ("metro", "metros"), "cm": ("centímetro", "centímetros"),
        "mm": ("milímetro", "milímetros"), "kg": ("kilo", "kilos"), "g": ("gramo", "gramos"), "l": ("litro", "litros"),
        "km/h": ("kilómetro por hora", "kilómetros por hora"), "%": ("por ciento", "por ciento"),
        "°C": ("grado", "grados"), "°": ("grado", "grados"), "GB": ("gigabyte", "gigabytes"),
        "MB": ("megabyte", "megabytes"), "min": ("minuto", "minutos"), "h": ("hora", "horas"), "s": ("segundo",
        "segundos"),
    },
    abbreviations={
        "Sr.": "señor", "Sra.": "señora", "Srta.": "señorita", "Dr.": "doctor", "Dra.": "doctora", "D.": "don",
        "etc.": "etcétera",
        "Ud.": "usted", "Uds.": "ustedes", "p. ej.": "por ejemplo", "EE. UU.": "Estados Unidos",
        "EE.UU.": "Estados Unidos",
        "n.º": "número", "núm.": "número", "pág.": "página", "Avda.": "avenida", "a. m.": "de la mañana",
        "p. m.": "de la tarde",
    },
    signs={
        "&": "y", "@": "arroba", "+": "más", "=": "igual a", "%": "por ciento", "#": "almohadilla", "×": "por",
        "÷": "entre",
        ".": "punto", "/": "barra", "-": "guion", "_": "guion bajo", ":": "dos puntos", "€": "euros", "$": "dólares",
        "°": "grados",
        "<": "menor que", ">": "mayor que",
    },
    before_noun=lambda number: re.sub("veintiuno$", "veintiún", re.sub(r"\buno$", "un", number)),
    scales={"millón": ("millón de", "millones de"), "millones": ("millón de", "millones de")},
)  # fmt: skip

FRENCH = Table(
    cardinal=by_num2words("fr"),
    ordinal=by_num2words("fr", "ordinal"),
    ordinal_marks=r"ère|er|ème|e|nde?|re",
    point="virgule",
    minus="moins",
    to="à",
    of="",
    and_="et",
    hour=lambda h, m: f"{'une' if h == 'un' else h} heure{'' if h in ('un', 'zéro') else 's'} {m}".strip(),
    months=listed("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    money=_money(("euro", "euros"), ("dollar", "dollars"), ("livre", "livres"), ("roupie", "roupies"), ("centime",
    "centimes"), ("penny", "pence")),
    units={
        "km": ("kilomètre", "kilomètres"), "m": ("mètre", "mètres"), "cm": ("centimètre", "centimètres"),
        "mm": ("millimètre", "millimètres"), "kg": ("kilo", "kilos"), "g": ("gramme", "grammes"), "l": ("litre",
        "litres"),
        "km/h": ("kilomètre heure", "kilomètres heure"), "%": ("pour cent", "pour cent"), "°C": ("degré", "degrés"),
        "°": ("degré", "degrés"), "Go": ("gigaoctet", "gigaoctets"), "Mo": ("mégaoctet", "mégaoctets"),
        "GB": ("gigaoctet", "gigaoctets"), "min": ("minute", "minutes"), "s": ("seconde", "secondes"),
    },
    abbreviations={
        "M.": "monsieur", "Mme": "madame", "Mlle": "mademoiselle", "MM.": "messieurs", "Dr": "docteur",
        "etc.": "et cétéra",
        "p. ex.": "par exemple", "n°": "numéro", "N°": "numéro", "av.": "avenue", "bd": "boulevard", "St": "saint",
        "Ste": "sainte",
        "c.-à-d.": "c'est-à-dire",
    },
    signs={
        "&": "et", "@": "arobase", "+": "plus", "=": "égale", "%": "pour cent", "#": "dièse", "×": "fois",
        "÷": "divisé par",
        ".": "point", "/": "barre", "-": "tiret", "_": "tiret bas", ":": "deux points", "€": "euros", "$": "dollars",
        "°": "degrés",
        "<": "inférieur à", ">": "supérieur à",
    },
    first_day="premier",
    scales={"million": ("million d'", "millions d'"), "millions": ("million d'", "millions d'"),
    "milliards": ("milliard d'", "milliards d'")},
)  # fmt: skip

ITALIAN = Table(
    cardinal=by_num2words("it"),
    ordinal=by_num2words("it", "ordinal"),
    ordinal_marks="[°oa]",
    point="virgola",
    minus="meno",
    to="a",
    of="",
    and_="e",
    hour=lambda h, m: f"{h} e {m}" if m else h,
    months=listed(
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"
    ),
    money=_money(("euro", "euro"), ("dollaro", "dollari"), ("sterlina", "sterline"), ("rupia", "rupie"), ("centesimo",
    "centesimi"), ("penny", "pence")),
    units={
        "km": ("chilometro", "chilometri"), "m": ("metro", "metri"), "cm": ("centimetro", "centimetri"),
        "mm": ("millimetro", "millimetri"), "kg": ("chilo", "chili"), "g": ("grammo", "grammi"), "l": ("litro",
        "litri"),
        "km/h": ("chilometro orario", "chilometri orari"), "%": ("per cento", "per cento"), "°C": ("grado", "gradi"),
        "°": ("grado", "gradi"), "GB": ("gigabyte", "gigabyte"), "min": ("minuto", "minuti"), "h": ("ora", "ore"),
        "s": ("secondo", "secondi"),
    },
    abbreviations={
        "Sig.": "signor", "Sig.ra": "signora", "Dott.": "dottor", "Dr.": "dottor", "Prof.": "professor",
        "ecc.": "eccetera",
        "es.": "esempio", "n.": "numero", "pag.": "pagina", "S.": "san",
    },
    signs={
        "&": "e", "@": "chiocciola", "+": "più", "=": "uguale", "%": "per cento", "#": "cancelletto", "×": "per",
        "÷": "diviso",
        ".": "punto", "/": "barra", "-": "trattino", "_": "trattino basso", ":": "due punti", "€": "euro",
        "$": "dollari",
        "°": "gradi", "<": "minore di", ">": "maggiore di",
    },
    before_noun=lambda number: re.sub(r"\buno$", "un", number),
    first_day="primo",
    scales={"milione": ("milione di", "milioni di"), "milioni": ("milione di", "milioni di"),
    "miliardi": ("miliardo di", "miliardi di")},
)  # fmt: skip

PORTUGUESE = Table(
    cardinal=by_num2words("pt_BR"),
    ordinal=by_num2words("pt_BR", "ordinal"),
    ordinal_marks="[°oa]",
    point="vírgula",
    minus="menos",
    to="a",
    of="de",
    and_="e",
    hour=lambda h, m: f"{_feminine(h)} e {m}" if m else f"{_feminine(h)} horas",
    months=listed(
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"
    ),
    money=_money(("euro", "euros"), ("dólar", "dólares"), ("libra", "libras"), ("rupia", "rupias"), ("centavo",
    "centavos"), ("pêni", "pence")),
    units={
        "km": ("quilômetro", "quilômetros"), "m": ("metro", "metros"), "cm": ("centímetro", "centímetros"),
        "mm": ("milímetro", "milímetros"), "kg": ("quilo", "quilos"), "g": ("grama", "gramas"), "l": ("litro",
        "litros"),
        "km/h": ("quilômetro por hora", "quilômetros por hora"), "%": ("por cento", "por cento"), "°C": ("grau",
        "graus"),
        "°": ("grau", "graus"), "GB": ("gigabyte", "gigabytes"), "min": ("minuto", "minutos"), "s": ("segundo",
        "segundos"),
    },
    abbreviations={
        "Sr.": "senhor", "Sra.": "senhora", "Dr.": "doutor", "Dra.": "doutora", "etc.": "etcétera",
        "p. ex.": "por exemplo",
        "n.º": "número", "nº": "número", "Av.": "avenida", "R.": "rua", "pág.": "página",
    },
    signs={
        "&": "e", "@": "arroba", "+": "mais", "=": "igual a", "%": "por cento", "#": "cerquilha", "×": "vezes",
        "÷": "dividido por",
        ".": "ponto", "/": "barra", "-": "traço", "_": "sublinhado", ":": "dois pontos", "€": "euros", "$": "dólares",
        "°": "graus",
        "<": "menor que", ">": "maior que",
    },
    first_day="primeiro",
    scales={"milhão": ("milhão de", "milhões de"), "milhões": ("milhão de", "milhões de"), "bilhões": ("bilhão de",
    "bilhões de")},
)  # fmt: skip


def _feminine(hour: str) -> str:
    """Hours are feminine: uma, duas, vinte e duas"""
    return {"um": "uma", "dois": "duas"}.get(hour, hour.replace(" e um", " e uma").replace(" e dois", " e duas"))
