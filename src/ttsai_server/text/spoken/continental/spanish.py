"""Spanish, of Spain."""

import re

from ttsai_server.text.spoken.continental.table import (
    Agreement,
    Roman,
    Table,
    by_num2words,
    counted,
    feminine_ordinal,
    listed,
    named,
)

_num2words = by_num2words("es")
_UNITS = listed("primero segundo tercero cuarto quinto sexto séptimo octavo noveno")
_TENS = listed("décimo vigésimo trigésimo cuadragésimo quincuagésimo sexagésimo septuagésimo octogésimo nonagésimo")
_HUNDREDS = listed(
    "centésimo ducentésimo tricentésimo cuadringentésimo quingentésimo sexcentésimo septingentésimo octingentésimo"
    " noningentésimo"
)
_FEMININE = re.compile(
    r"(?:as?|[cgsx]i(?:ón|ones)|(?:da|ta|tu)d(?:es)?|umbres?|tri(?:z|ces)|sis"
    r"|^(?:vez|vec|noche|tarde|clase|calle|parte|mujer|flor|cruz|cruc|voz|voc|luz|luc|paz|red|pared|imagen|imágen"
    r"|orden"
    r"|órden|nube|llave|frase|torre|base|fuente|muerte|mente|serie|clave|fase|superficie|especie|tribu|ley|mano|foto"
    r"|moto|radio|nave|carne|raíz|raíc|nariz|sede|gente|leche|sangre|sal|piel|señal|cárcel|capital|catedral|razón"
    r"|hambre|nuez|nuec|región|regione)(?:e?s)?)$"
)
_MASCULINE = re.compile(
    r"^(?:día|mediodía|tranvía|mapa|planeta|cometa|poeta|sofá|papá|pijama|gorila|espía|yoga|vodka|análisis|paréntesis"
    r"|oasis|\w*(?:ble|te|ste|idio|cli|poe|dra|fantas|gra|sínto|aro|plas|plo|dile|esque|teore|enig|emble|le|caris"
    r"|estig"
    r"|pris)ma)s?$"
)
_SHE, _HE = (
    frozenset(listed("la las unas estas esas aquellas otras")),
    frozenset(listed("el los al del unos estos esos otros")),
)


def _cardinal(n: int) -> str:
    """Before mil and millones it is veintiún and un."""
    said = re.sub(r"\bveintiuno(?= (?:mil|bill|trill))", "veintiún", _num2words(n))
    return re.sub(r"\buno(?= (?:mil|bill|trill))", "un", said)


def _ordinal(n: int) -> str:
    """1 to 999; from 13 to 19 in one word."""
    if not 0 < n < 1000:
        return _cardinal(n)
    hundreds, tens, ones = n // 100, n // 10 % 10, n % 10
    head = [_HUNDREDS[hundreds - 1]] if hundreds else []
    if n % 100 in (11, 12):
        return " ".join([*head, {11: "undécimo", 12: "duodécimo"}[n % 100]])
    if tens == 1 and ones:
        return " ".join([*head, "decimo" + {7: "séptimo"}.get(ones, _UNITS[ones - 1])])
    return " ".join([*head, *([_TENS[tens - 1]] if tens else []), *([_UNITS[ones - 1]] if ones else [])])


def _is_feminine(noun: str) -> bool:
    first = noun.split()[0] if noun else ""
    return not _MASCULINE.search(first) and bool(_FEMININE.search(first))


def _before(number: str, feminine: bool, noun: str) -> str:
    """uno → un or una, veintiuno → veintiún, doscientos mil → doscientas mil; not what counts millions, nor per cent"""
    if noun.startswith("por "):
        return number
    if not feminine:
        return re.sub(r"veintiuno$", "veintiún", re.sub(r"\buno$", "un", number))
    millions, scale, rest = re.match(r"(.*\b(?:mill|bill|trill)(?:ón|ones)\b)?( ?)(.*)", number).groups()  # type: ignore[union-attr]
    rest = re.sub(r"cientos\b", "cientas", rest).replace("quinientos", "quinientas")
    return f"{millions or ''}{scale}{re.sub('uno$', 'una', rest)}"


def _hour(hour: int, minute: int) -> str:
    said = _before(_cardinal(hour), True, "hora")
    if minute:
        return f"{said} y {_cardinal(minute)}"
    return said if 1 <= hour <= 12 else f"{said} horas"


def _after_label(n: int, label: str) -> str:
    return _ordinal(n) if n <= 10 and label in ("siglo", "siglos", "s") else _cardinal(n)


def _after_name(n: int, name: str) -> str:
    if n > 10:
        return _cardinal(n)
    she = name in ("Isabel", "Elizabeth", "Beatriz") or name.endswith("a")
    return feminine_ordinal(_ordinal(n)) if she else _ordinal(n)


SPANISH = Table(
    cardinal=_cardinal,
    ordinal=_ordinal,
    ordinal_marks=r"\.?(?:er|o|a)\b",
    ordinal_before_noun=lambda said: re.sub("(primer|tercer)o$", r"\1", said),
    point="coma",
    minus="menos",
    to="a",
    of="de",
    and_="con",
    hour=_hour,
    halves_of_day=("de la mañana", "de la tarde", "de la noche"),
    months=listed("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
    short_months=listed("ene feb mar abr may jun jul ago sep oct nov dic"),
    days=listed("lunes martes miércoles jueves viernes sábado domingo"),
    short_days=listed("lun mar mié jue vie sáb dom"),
    day_lead="el|del|al|día",
    hour_lead="la|las",
    decade_lead="los|años",
    agreement=Agreement(
        feminine=_is_feminine,
        before=_before,
        plural="s$",
        singular=r"(?:[^s]|is)$",
        she=_SHE,
        he=_HE,
    ),
    roman=Roman(
        labels=frozenset(listed(
            "siglo siglos s capítulo capítulos cap tomo tomos volumen vol acto escena parte libro título artículo"
            " anexo"
            " apéndice fase tipo grado nivel grupo clase sección lección tema unidad año salmo página punto apartado"
            " módulo"
            " bowl categoría temporada episodio fórmula número línea mundial etapa"
            " paso figura tabla opción canal puerta sala planta habitación ruta versión jornada ronda ejercicio"
            " pregunta"
            " zona bloque edición distrito liga")),
        after_label=_after_label,
        after_name=_after_name,
    ),
    particles=frozenset(listed(
        "a al ante bajo con contra de del desde en entre hacia hasta para por según sin sobre tras y e o u ni que si"
        " no"
        " como más menos el la los las lo un una unos unas me te se nos os le les mi tu su mis tus sus es son era"
        " eran fue"
        " fueron será está están ha han hay tiene tienen ya también además después antes entonces cuando donde pero"
        " sino"
        " porque pues jamás quizás dos tres seis mil millón millones solo sólo casi aproximadamente este esta estos"
        " estas"
        " ese esa esos esas cada todo toda todos todas fueron gana ganó mide pesa cuesta vale nuestro nuestra ellas"
        " ellos nosotros igual")),
    half=("un medio", "medio", "media"),
    and_half=("medio", "media"),
    with_part="y",
    parts={
        under: (one, f"{one}s")
        for under, one in {
            2: "medio", 3: "tercio", 4: "cuarto", 5: "quinto", 6: "sexto", 7: "séptimo", 8: "octavo", 9: "noveno",
            10: "décimo", 100: "centésimo", 1000: "milésimo",
        }.items()
    },
    part_of="de",
    over="sobre",
    powers=("al cuadrado", "al cubo", "elevado a"),
    per="por",
    number="número",
    version="versión",
    phone=r"(?<=\bal )[6789]\d\d(?: \d{3}){2}|[6789]\d\d(?: \d\d){3}|[6789]\d(?: \d{3} \d\d \d\d| \d\d \d\d \d\d \d)",
    phone_lead="tel|teléfono|tfno|tlf|móvil|fax|whatsapp|llama al|llame al|llámame al|llámanos al|llamar al|número",
    money={
        "€": (("euro", "euros"), ("céntimo", "céntimos")),
        "EUR": (("euro", "euros"), ("céntimo", "céntimos")),
        "$": (("dólar", "dólares"), ("centavo", "centavos")),
        "US$": (("dólar", "dólares"), ("centavo", "centavos")),
        "USD": (("dólar", "dólares"), ("centavo", "centavos")),
        "£": (("libra", "libras"), ("penique", "peniques")),
        "GBP": (("libra", "libras"), ("penique", "peniques")),
        "R$": (("real", "reales"), ("centavo", "centavos")),
        "BRL": (("real", "reales"), ("centavo", "centavos")),
        "MXN": (("peso mexicano", "pesos mexicanos"), ("centavo", "centavos")),
        "MX$": (("peso mexicano", "pesos mexicanos"), ("centavo", "centavos")),
        "ARS": (("peso argentino", "pesos argentinos"), ("centavo", "centavos")),
        "COP": (("peso colombiano", "pesos colombianos"), ("centavo", "centavos")),
        "CLP": (("peso chileno", "pesos chilenos"), ("centavo", "centavos")),
        "CHF": (("franco suizo", "francos suizos"), ("céntimo", "céntimos")),
        "¥": (("yen", "yenes"), ("sen", "sen")),
        "₹": (("rupia", "rupias"), ("paisa", "paisas")),
        "S/": (("sol", "soles"), ("céntimo", "céntimos")),
        "₿": (("bitcóin", "bitcoines"), ("satoshi", "satoshis")),
    },
    units=counted("""
        km = kilómetro, kilómetros; m = metro, metros; dm = decímetro, decímetros; cm = centímetro, centímetros
        mm = milímetro, milímetros; µm = micra, micras; nm = nanómetro, nanómetros; mi = milla, millas
        km² = kilómetro cuadrado, kilómetros cuadrados; m² = metro cuadrado, metros cuadrados
        cm² = centímetro cuadrado, centímetros cuadrados; mm² = milímetro cuadrado, milímetros cuadrados
        m³ = metro cúbico, metros cúbicos; cm³ = centímetro cúbico, centímetros cúbicos
        km³ = kilómetro cúbico, kilómetros cúbicos; ha = hectárea, hectáreas
        kg Kg = kilo, kilos; g gr = gramo, gramos; mg = miligramo, miligramos; µg mcg = microgramo, microgramos
        t = tonelada, toneladas; lb lbs = libra, libras; oz = onza, onzas
        l L = litro, litros; ml mL = mililitro, mililitros; cl = centilitro, centilitros; dl = decilitro, decilitros
        hl = hectolitro, hectolitros; h hs hrs = hora, horas; min = minuto, minutos; s seg = segundo, segundos
        ms = milisegundo, milisegundos; % = por ciento; ‰ = por mil; ° = grado, grados; °C = grado, grados
        °F = grado Fahrenheit, grados Fahrenheit; km/h = kilómetro por hora, kilómetros por hora
        m/s² = metro por segundo al cuadrado, metros por segundo al cuadrado
        kB KB = kilobyte, kilobytes; MB = megabyte, megabytes; GB = gigabyte, gigabytes; TB = terabyte, terabytes
        Mbps Mb/s = megabit por segundo, megabits por segundo; Gbps = gigabit por segundo, gigabits por segundo
        Hz = hercio, hercios; kHz = kilohercio, kilohercios; MHz = megahercio, megahercios
        GHz = gigahercio, gigahercios; W = vatio, vatios; kW = kilovatio, kilovatios; MW = megavatio, megavatios
        GW = gigavatio, gigavatios; kWh = kilovatio hora, kilovatios hora; MWh = megavatio hora, megavatios hora
        V = voltio, voltios; A = amperio, amperios; mA = miliamperio, miliamperios
        mAh = miliamperio hora, miliamperios hora; J = julio, julios; kJ = kilojulio, kilojulios
        cal = caloría, calorías; kcal = kilocaloría, kilocalorías; Pa = pascal, pascales
        hPa = hectopascal, hectopascales; bar = bar, bares; atm = atmósfera, atmósferas; dB = decibelio, decibelios
        N = newton, newtons; px = píxel, píxeles; CV = caballo, caballos; Ω = ohmio, ohmios
        in ″ = pulgada, pulgadas; ft = pie, pies; mph = milla por hora, millas por hora
        rpm = revolución por minuto, revoluciones por minuto
        ppm = parte por millón, partes por millón; mmHg = milímetro de mercurio, milímetros de mercurio
        pp = punto porcentual, puntos porcentuales
    """),
    abbreviations=named("""
        Sr. = señor; Sra. = señora; Srta. = señorita; Sres. = señores; Sras. = señoras; Dr. = doctor; Dra. = doctora
        Dres. = doctores; Dña. = doña; Dª = doña; D.ª = doña; Prof. = profesor; Profa. = profesora; Ing. = ingeniero
        Lic. = licenciado
        Gral. = general; Sto. = santo; Sta. = santa; M.ª = María; Mª = María; Fdez. = Fernández; Rdo. = reverendo
        p. ej. = por ejemplo; p.ej. = por ejemplo; n.º = número; nº = número; n° = número; n.° = número; núm. = número
        n.os = números; núms. = números; pág. = página; págs. = páginas; Avda. = avenida; Av. = avenida; Pza. = plaza
        Plza. = plaza; pta. = puerta; Pº = paseo; C/ = calle; c/ = calle; tel. = teléfono; tfno. = teléfono
        tlf. = teléfono
        art. = artículo; vol. = volumen; ed. = edición; dpto. = departamento; apto. = apartamento; dto. = descuento
        aprox. = aproximadamente; máx. = máximo; mín. = mínimo; admón. = administración; izq. = izquierda
        dcha. = derecha
        Excmo. = excelentísimo; Excma. = excelentísima; Ilmo. = ilustrísimo; Ilma. = ilustrísima; S. M. = su majestad
        S. A. R. = su alteza real; vs. = contra; km/h = kilómetros por hora; Gob. = gobernador; Cía. = compañía
    """),
    closing=named("""
        etc. = etcétera; Ud. = usted; Uds. = ustedes; Vd. = usted; Vds. = ustedes; EE. UU. = Estados Unidos
        EE.UU. = Estados Unidos; EEUU = Estados Unidos; a. C. = antes de Cristo; d. C. = después de Cristo
        a.C. = antes de Cristo
        d.C. = después de Cristo; RR. HH. = recursos humanos; RR.HH. = recursos humanos; JJ. OO. = Juegos Olímpicos
        JJ.OO. = Juegos Olímpicos; CC. OO. = Comisiones Obreras
    """),
    before_capital=named("D. = don; S. = san; Cap. = capitán"),
    before_figure=named("""
        cap. = capítulo; p. = página; pp. = páginas; s. = siglo; ss. = siglos; núm = número; tel = teléfono
        art = artículo
    """),
    signs=named("""
        & = y; @ = arroba; + = más; % = por ciento; ‰ = por mil; # = almohadilla; × = por; ÷ = entre; . = punto
        / = barra; - = guion; _ = guion bajo; : = dos puntos; € = euros; $ = dólares; £ = libras; ¥ = yenes
        ₹ = rupias
        ₿ = bitcoines; ° = grados; < = menor que; > = mayor que; ≤ = menor o igual que; ≥ = mayor o igual que
        ± = más menos
        ≠ = distinto de; ≈ = aproximadamente; ~ = aproximadamente; √ = raíz cuadrada de; ∞ = infinito; π = pi
        § = sección
        © = copyright; Ω = ohmios; µ = micro; Δ = delta; ∑ = suma; ? = interrogación; \\ = barra invertida
    """) | {"=": "igual a"},
    scales={
        "millón": ("millón", "millones"), "millones": ("millón", "millones"), "M": ("millón", "millones"),
        "MM": ("millón", "millones"), "mil M": ("mil millones", "mil millones"),
        "mil millones": ("mil millones", "mil millones"), "billones": ("billón", "billones"),
        "billón": ("billón", "billones"), "mil": ("mil", "mil"), "k": ("mil", "mil"), "K": ("mil", "mil"),
    },
    scale_link=lambda unit: f"de {unit}",
)  # fmt: skip
