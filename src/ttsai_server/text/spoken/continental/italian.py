"""Italian."""

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

_num2words = by_num2words("it")
_num2words_ordinal = by_num2words("it", "ordinal")
_FEMININE = re.compile(
    r"(?:a|[sgtz]ione|udine|[^dclrn]ice|trice|ie|tà|tù|[aeio]si"
    r"|^(?:notte|parte|classe|madre|moglie|chiave|gente|arte|carne|fronte|morte|neve|voce|luce|croce|pace|legge|rete"
    r"|torre"
    r"|nave|base|frase|fase|fonte|sete|fame|febbre|pelle|valle|mano|foto|moto|radio|auto|sede|lode|mente|siepe|botte"
    r"|volpe"
    r"|tigre|cornice|radice|appendice|infermiere|crisi|tesi|corte|sorte|stazione|chiave|nube|specie|serie|superficie"
    r"|email"
    r"|mail|chat|star|band|app|password))$"
)
_MASCULINE = re.compile(
    r"^(?:problema|tema|sistema|programma|pianeta|poeta|clima|dramma|schema|diploma|aroma|fantasma|cinema|panorama"
    r"|trauma"
    r"|papa|pigiama|dilemma|teorema|telegramma|grammo|diagramma|sofà|papà|podio|gorilla|vaglia|delta|koala|boia|duca"
    r"|collega"
    r"|autista|artista|turista|dentista|giornalista|regista|musicista|barista)$"
)


def _cardinal(n: int) -> str:
    """With an accent on the last tre: ventitré; from ten thousand on in two words, or some of it isn't heard."""
    said = re.sub(r"(?<=\w)tre$", "tré", _num2words(n).replace(" e ", " "))
    return re.sub(r"mila(?=\w)", "mila ", said) if n >= 10_000 else said


def _ordinal(n: int) -> str:
    return _num2words_ordinal(n) if n else "zeresimo"


def _is_feminine(noun: str) -> bool:
    first = noun.split()[0] if noun else ""
    return not _MASCULINE.search(first) and bool(_FEMININE.search(first))


def _before(number: str, feminine: bool, noun: str) -> str:
    """uno → un, uno before s and a consonant, una, un'"""
    if number != "uno":
        return number
    if feminine:
        return "un'" if re.match("[aeiouàèéìòù]", noun) else "una"
    return "uno" if re.match("s[^aeiouh]|z|gn|p[sn]|x|y|i[aeou]", noun) else "un"


def _hour(hour: int, minute: int) -> str:
    said = "una" if hour == 1 else _cardinal(hour)
    return f"{said} e {_cardinal(minute)}" if minute else said


def _after_label(n: int, label: str) -> str:
    return feminine_ordinal(_ordinal(n)) if _is_feminine(label) else _ordinal(n)


def _after_name(n: int, name: str) -> str:
    she = name in ("Elizabeth",) or (name.endswith("a") and name not in ("Andrea", "Luca", "Nicola"))
    return feminine_ordinal(_ordinal(n)) if she else _ordinal(n)


def _saint(m: re.Match[str]) -> str:
    """S. Pietro, S. Maria, S. Anna, S. Stefano"""
    name = m[1]
    if name[0] in "AEIOUÀÈ":
        return f"Sant'{name}"
    if name.endswith("a") and name not in ("Luca", "Nicola", "Mattia"):
        return f"santa {name}"
    return f"santo {name}" if re.match("S[^aeiouà]|Z", name) else f"san {name}"


_EURO, _DOLLAR, _POUND = (
    (("euro", "euro"), ("centesimo", "centesimi")),
    (("dollaro", "dollari"), ("centesimo", "centesimi")),
    (("sterlina", "sterline"), ("penny", "pence")),
)
ITALIAN = Table(
    cardinal=_cardinal,
    ordinal=_ordinal,
    ordinal_marks=r"[oa]\b",
    point="virgola",
    minus="meno",
    to="a",
    of="",
    and_="e",
    hour=_hour,
    halves_of_day=("di mattina", "del pomeriggio", "di sera"),
    months=listed("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"),
    short_months=listed("gen feb mar apr mag giu lug ago set ott nov dic"),
    days=listed("lunedì martedì mercoledì giovedì venerdì sabato domenica"),
    short_days=listed("lun mar mer gio ven sab dom"),
    day_lead="il|dal|al|del|l'|dell'|all'|dall'",
    hour_lead="ore|alle|dalle|le|delle|h",
    decade_lead="anni|gli",
    special=((re.compile(r"(?<![\w.])S\.\s?([A-ZÀ-Þ][a-zß-ÿ]+)"), _saint),),
    agreement=Agreement(
        feminine=_is_feminine,
        before=_before,
        plural="$^",
        singular=r"[aeoàèéìòù]$|[^aeiou]$|si$",
        he=frozenset(listed("il lo l del dello dell al allo dal nel sul")),
        she=frozenset(listed("la della alla dalla nella sulla")),
    ),
    roman=Roman(
        labels=frozenset(listed(
            "secolo secoli sec capitolo capitoli cap tomo volume vol atto scena parte libro titolo articolo art"
            " allegato"
            " appendice fase tipo grado livello gruppo classe sezione lezione tema unità anno salmo pagina punto"
            " modulo bowl"
            " categoria stagione episodio canto formula numero mondiale tappa figura tavola opzione versione edizione"
            " comma canale porta sala linea esercizio domanda zona quesito giornata")),
        after_label=_after_label,
        after_name=_after_name,
        words_too=frozenset({"I", "VI"}),
    ),
    particles=frozenset(listed(
        "a al allo alla ai agli alle con contro da dal dalla dai di del dello della dei degli delle in nel nella nei"
        " negli"
        " nelle tra fra per su sul sulla senza e ed o oppure né che chi se non come più meno il lo la i gli le l un"
        " uno una"
        " d mi ti si ci vi ne è sono era erano fu ha hanno c'è anche dopo prima poi quando ma dove mille mila milione"
        " milioni"
        " solo circa ogni questo questa questi queste quello quella suo sua loro il")),
    half=("un mezzo", "mezzo", "mezza"),
    and_half=("mezzo", "mezza"),
    with_part="e",
    parts={
        under: (one, f"{one[:-1]}i")
        for under, one in {
            2: "mezzo", 3: "terzo", 4: "quarto", 5: "quinto", 6: "sesto", 7: "settimo", 8: "ottavo", 9: "nono",
            10: "decimo", 12: "dodicesimo", 16: "sedicesimo", 100: "centesimo", 1000: "millesimo",
        }.items()
    },
    part_of="di",
    over="su",
    powers=("al quadrato", "al cubo", "elevato a"),
    per="per",
    number="numero",
    version="versione",
    phone=r"3\d\d[ .-]?\d{3}[ .-]?\d{3,4}",
    phone_lead="tel|telefono|cell|cellulare|fax|chiama il|chiami il|chiamare il|chiamate il",
    money={
        "€": _EURO, "EUR": _EURO, "$": _DOLLAR, "US$": _DOLLAR, "USD": _DOLLAR, "£": _POUND, "GBP": _POUND,
        "CHF": (("franco svizzero", "franchi svizzeri"), ("centesimo", "centesimi")),
        "R$": (("real", "real"), ("centavo", "centavos")),
        "¥": (("yen", "yen"), ("sen", "sen")),
        "₹": (("rupia", "rupie"), ("paisa", "paisa")),
        "₿": (("bitcoin", "bitcoin"), ("satoshi", "satoshi")),
    },
    units=counted("""
        km = chilometro, chilometri; m mt = metro, metri; dm = decimetro, decimetri; cm = centimetro, centimetri
        mm = millimetro, millimetri; µm = micrometro, micrometri; nm = nanometro, nanometri; mi = miglio, miglia
        km² kmq = chilometro quadrato, chilometri quadrati; m² mq = metro quadrato, metri quadrati
        cm² cmq = centimetro quadrato, centimetri quadrati; mm² = millimetro quadrato, millimetri quadrati
        m³ mc = metro cubo, metri cubi; cm³ = centimetro cubo, centimetri cubi; km³ = chilometro cubo, chilometri cubi
        ha = ettaro, ettari; kg Kg = chilo, chili; g gr = grammo, grammi; hg = etto, etti
        mg = milligrammo, milligrammi
        µg mcg = microgrammo, microgrammi; t = tonnellata, tonnellate; q = quintale, quintali; lb lbs = libbra, libbre
        oz = oncia, once; l L lt = litro, litri; ml mL = millilitro, millilitri; cl = centilitro, centilitri
        dl = decilitro, decilitri; hl = ettolitro, ettolitri; h = ora, ore; min = minuto, minuti
        s sec = secondo, secondi; ms = millisecondo, millisecondi; % = per cento; ‰ = per mille; ° = grado, gradi
        °C = grado, gradi; °F = grado Fahrenheit, gradi Fahrenheit; km/h = chilometro orario, chilometri orari
        m/s = metro al secondo, metri al secondo; m/s² = metro al secondo quadrato, metri al secondo quadrato
        kB KB = kilobyte; MB = megabyte; GB = gigabyte; TB = terabyte; Mbps Mb/s = megabit al secondo
        Gbps Gb/s = gigabit al secondo; Hz = hertz; kHz = kilohertz; MHz = megahertz; GHz = gigahertz; W = watt
        kW = kilowatt; MW = megawatt; GW = gigawatt; kWh = kilowattora; MWh = megawattora; V = volt; A = ampere
        mA = milliampere; mAh = milliamperora; J = joule; kJ = kilojoule; cal = caloria, calorie
        kcal = chilocaloria, chilocalorie; Pa = pascal; hPa = ettopascal; bar = bar; atm = atmosfera, atmosfere
        dB = decibel; N = newton; px = pixel; CV = cavallo, cavalli; Ω = ohm; ″ = pollice, pollici; ft = piede, piedi
        mph = miglio orario, miglia orarie; rpm = giro al minuto, giri al minuto
        ppm = parte per milione, parti per milione; mmHg = millimetro di mercurio, millimetri di mercurio
    """),
    abbreviations=named("""
        Sig. = signor; Sig.ra = signora; Sig.na = signorina; Sigg. = signori; Dott. = dottor; Dott.ssa = dottoressa
        Dr. = dottor; Dr.ssa = dottoressa; Dottor. = dottor; Prof. = professor; Prof.ssa = professoressa
        Proff. = professori
        Ing. = ingegner; Avv. = avvocato; Arch. = architetto; Rag. = ragionier; Geom. = geometra; On. = onorevole
        Sen. = senatore
        Gen. = generale; Cav. = cavalier; Mons. = monsignor; Egr. = egregio; Gent.ma = gentilissima
        Gent.mo = gentilissimo
        Spett.le = spettabile; p.es. = per esempio; p. es. = per esempio; ad es. = ad esempio; es. = esempio
        pag. = pagina
        pagg. = pagine; art. = articolo; artt. = articoli; cap. = capitolo; vol. = volume; ed. = edizione
        tel. = telefono
        cell. = cellulare; n° = numero; nº = numero; n.° = numero; N° = numero; nn. = numeri; sec. = secolo
        fig. = figura
        v.le = viale; p.zza = piazza; P.zza = piazza; P.za = piazza; c.so = corso; C.so = corso; V.le = viale
        f.lli = fratelli
        F.lli = fratelli; ca. = circa; max. = massimo; min. = minimo; gg. = giorni; S.p.A. = S P A; S.r.l. = S R L
        km/h = chilometri orari; vs. = contro; c/o = presso; Ss. = santi; SS. = santissima
    """),
    closing=named("""
        ecc. = eccetera; etc. = eccetera; a.C. = avanti Cristo; d.C. = dopo Cristo; a. C. = avanti Cristo
        d. C. = dopo Cristo
    """),
    before_capital=named("D. = don"),
    before_figure=named("""
        n. = numero; N. = numero; p. = pagina; pp. = pagine; tel = telefono; h = ore; h. = ore; s. = secolo
    """),
    signs=named("""
        & = e; @ = chiocciola; + = più; % = per cento; ‰ = per mille; # = cancelletto; × = per; ÷ = diviso; . = punto
        / = barra; - = trattino; _ = trattino basso; : = due punti; € = euro; $ = dollari; £ = sterline; ¥ = yen
        ₹ = rupie
        ₿ = bitcoin; ° = gradi; < = minore di; > = maggiore di; ≤ = minore o uguale a; ≥ = maggiore o uguale a
        ± = più o meno; ≠ = diverso da; ≈ = circa; ~ = circa; √ = radice quadrata di; ∞ = infinito; π = pi greco
        § = paragrafo; © = copyright; Ω = ohm; µ = micro; Δ = delta; ∑ = somma; ? = punto interrogativo
        \\ = barra rovesciata
    """) | {"=": "uguale"},
    first_day="primo",
    scales={
        "milione": ("milione", "milioni"), "milioni": ("milione", "milioni"), "mln": ("milione", "milioni"),
        "M": ("milione", "milioni"), "miliardo": ("miliardo", "miliardi"), "miliardi": ("miliardo", "miliardi"),
        "mld": ("miliardo", "miliardi"), "mrd": ("miliardo", "miliardi"), "k": ("mila", "mila"), "K": ("mila", "mila"),
        "mila": ("mila", "mila"),
    },
    scale_link=lambda unit: f"di {unit}",
    thousands=frozenset({"k", "K", "mila"}),
)  # fmt: skip
