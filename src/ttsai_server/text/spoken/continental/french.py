"""French, of France."""

import re

from ttsai_server.text.spoken.continental.table import Agreement, Roman, Table, by_num2words, counted, listed, named

_cardinal = by_num2words("fr")
_num2words_ordinal = by_num2words("fr", "ordinal")
_FEMININE = re.compile(
    r"(?:[tsx]ion|(?:[^émtc]|[^o]m|[^ô]t|[^a]c)té|tié|ure|[ae]nce|ette|elle|esse|ée|[^é]nie|[^nécv]ie|ille|aine|euse"
    r"|trice|ade|ude"
    r"|ise|onne|enne|erie|eur(?=\b)(?<=[lhd]eur)|aison"
    r"|^(?:fois|page|personne|femme|fille|heure|minute|seconde|semaine|année|nuit|tonne|ville|voiture|maison|chaise"
    r"|table"
    r"|pièce|place|part|partie|ligne|lettre|chose|main|voix|photo|mère|sœur|soeur|tante|cousine|chanson|image"
    r"|question"
    r"|réponse|école|classe|clé|clef|ampoule|étoile|boîte|bouteille|tasse|tranche|cuillère|cuillerée|pomme|orange"
    r"|carotte"
    r"|tomate|gousse|poire|fraise|noix|église|rue|route|porte|fenêtre|vache|poule|chèvre|brebis|jambe|tête|oreille"
    r"|dent"
    r"|langue|bouche|feuille|fleur|plante|rose|île|mer|plage|montagne|rivière|forêt|étape|équipe|usine|entreprise"
    r"|banque"
    r"|gare|piste|livre sterling|livre|roupie|once|calorie|kilocalorie|mégatonne|pomme|vis|souris|fin|faim|loi|foi"
    r"|croix|paix"
    r"|dette|taxe|prime|offre|chambre|tablette|cigarette|caisse|carte|bière|pizza|salade|crêpe|tarte|dose|goutte"
    r"|pilule"
    r"|victime|tranche|liste|ligue|vague|vidéo|radio|moto|auto|fête|demande|règle|phrase|syllabe|lune|planète|cellule"
    r"|marche|médaille|couronne|piastre|douzaine|vingtaine|centaine))$"
)
_MASCULINE = re.compile(
    r"^(?:musée|lycée|trophée|silence|été|côté|comté|pâté|arrêté|comité|génie|incendie|parapluie|squelette|intermède"
    r"|stade"
    r"|grade|prélude|bonheur|malheur|honneur|labeur|murmure|mercure|domaine|capitaine|magazine|portefeuille|gorille"
    r"|million"
    r"|avion|camion|lion|espion|champion|pion|scorpion|bastion|bonjour|traité|député|invité|associé|employé|livre)$"
)


def _ordinal(n: int) -> str:
    return _num2words_ordinal(n) if n else "zéroième"


def _feminine_ordinal(said: str) -> str:
    return re.sub("second$", "seconde", re.sub("^premier$", "première", said))


def _is_feminine(noun: str) -> bool:
    """Of a unit ("livre sterling") too; livre alone is a book."""
    if noun == "livre sterling":
        return True
    first = noun.split()[0] if noun else ""
    found = [word for word in (first, first[:-1]) if word == first or first.endswith(("s", "x"))]
    return not any(map(_MASCULINE.search, found)) and any(map(_FEMININE.search, found))


def _before(number: str, feminine: bool, noun: str) -> str:
    return re.sub(r"\bun$", "une", number) if feminine else number


def _hour(hour: int, minute: int) -> str:
    said = f"{_before(_cardinal(hour), True, 'heure')} heure{'s' if hour > 1 else ''}"
    return f"{said} {_cardinal(minute)}" if minute else said


def _after_name(n: int, name: str) -> str:
    if n > 1:
        return _cardinal(n)
    return "première" if name in ("Élisabeth", "Elizabeth", "Isabel", "Marie") or name.endswith("a") else "premier"


def _saint(m: re.Match[str]) -> str:
    """St-Étienne, Ste Anne"""
    return m[0][:-1].replace("St", "saint") + " "


_EURO, _DOLLAR, _POUND = (
    (("euro", "euros"), ("centime", "centimes")),
    (("dollar", "dollars"), ("cent", "cents")),
    (("livre sterling", "livres sterling"), ("penny", "pence")),
)
FRENCH = Table(
    cardinal=_cardinal,
    ordinal=_ordinal,
    ordinal_marks=r"(?:ères?|ers?|[èe]mes?|es?|nde?s?|res?)\b",
    feminine_marks="ª|ères?|res?|ndes?",
    feminine_ordinal=_feminine_ordinal,
    point="virgule",
    minus="moins",
    to="à",
    of="",
    and_="et",
    hour=_hour,
    halves_of_day=("du matin", "de l'après-midi", "du soir"),
    months=listed("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    short_months=listed("janv févr mar avr mai juin juil août sept oct nov déc"),
    days=listed("lundi mardi mercredi jeudi vendredi samedi dimanche"),
    short_days=listed("lun mar mer jeu ven sam dim"),
    day_lead="le|du|au|dès le|jusqu'au",
    decade_lead="années|les",
    special=(
        (re.compile(r"(?<!\w)S(?:t|ts|te|tes)[- ](?=[A-ZÀ-Þ])"), _saint),
        (re.compile(r"(?<=[IVX]e )s(?:\.(?= [a-z])|(?!\w))"), lambda m: "siècle"),
        (re.compile(r"(?<!\w)2n(de?s?)(?!\w)"), lambda m: f"secon{m[1]}"),
    ),
    agreement=Agreement(feminine=_is_feminine, before=_before, plural="[sxz]$", singular="."),
    roman=Roman(
        labels=frozenset(listed(
            "siècle siècles chapitre chapitres chap tome tomes volume vol acte scène partie livre titre article"
            " annexe phase"
            " type grade niveau groupe classe section leçon unité an année psaume page point module bowl catégorie"
            " saison"
            " épisode formule numéro mondiale étape figure tableau option version édition degré"
            " quart canal porte salle chambre ligne exercice question zone table place ligue journée manche")),
        marks="[ºª]|ère|er|[èe]me|es?|nde?|re",
        after_label=lambda n, label: _cardinal(n),
        after_name=_after_name,
        before_noun=False,
    ),
    particles=frozenset(listed(
        "à a au aux avec contre de du des en entre dans par pour selon sans sur sous vers et ou où ni que qui si ne"
        " pas plus"
        " moins comme le la les un une me te se nous vous lui leur leurs mon ma mes ton ta tes son sa ses ce cet"
        " cette ces"
        " est sont était étaient fut furent sera ont y il elle ils elles on aussi après avant alors quand mais car"
        " donc"
        " jamais d l qu mille million millions fois-ci dès chez puis très tous toutes tout toute")),
    half=("un demi", "un demi", "une demi"),
    and_half=("demi", "demie"),
    with_part="et",
    parts={2: ("demi", "demis"), 3: ("tiers", "tiers"), 4: ("quart", "quarts")}
    | {n: (_ordinal(n), f"{_ordinal(n)}s") for n in (5, 6, 7, 8, 9, 10, 12, 16, 100, 1000)},
    part_of="de",
    over="sur",
    powers=("au carré", "au cube", "puissance"),
    per="par",
    number="numéro",
    version="version",
    phone=r"0\d(?:[ .-]?\d\d){4}",
    phone_lead="tél|tel|téléphone|fax|portable|appelez le|appelez au|composez le",
    phone_pairs=True,
    money={
        "€": _EURO, "EUR": _EURO, "$": _DOLLAR, "US$": _DOLLAR, "USD": _DOLLAR, "£": _POUND, "GBP": _POUND,
        "CAD": (("dollar canadien", "dollars canadiens"), ("cent", "cents")),
        "CA$": (("dollar canadien", "dollars canadiens"), ("cent", "cents")),
        "CHF": (("franc suisse", "francs suisses"), ("centime", "centimes")),
        "R$": (("réal", "réals"), ("centavo", "centavos")),
        "¥": (("yen", "yens"), ("sen", "sen")),
        "₹": (("roupie", "roupies"), ("paisa", "paisas")),
        "₿": (("bitcoin", "bitcoins"), ("satoshi", "satoshis")),
        "F": (("franc", "francs"), ("centime", "centimes")),
        "FCFA": (("franc C F A", "francs C F A"), ("centime", "centimes")),
    },
    units=counted("""
        km = kilomètre, kilomètres; m = mètre, mètres; dm = décimètre, décimètres; cm = centimètre, centimètres
        mm = millimètre, millimètres; µm = micromètre, micromètres; nm = nanomètre, nanomètres; mi = mille, milles
        km² = kilomètre carré, kilomètres carrés; m² = mètre carré, mètres carrés
        cm² = centimètre carré, centimètres carrés
        mm² = millimètre carré, millimètres carrés; m³ = mètre cube, mètres cubes
        cm³ = centimètre cube, centimètres cubes
        km³ = kilomètre cube, kilomètres cubes; ha = hectare, hectares; kg Kg = kilo, kilos; g gr = gramme, grammes
        mg = milligramme, milligrammes; µg mcg = microgramme, microgrammes; t = tonne, tonnes
        lb lbs = livre sterling, livres
        oz = once, onces; l L = litre, litres; ml mL = millilitre, millilitres; cl = centilitre, centilitres
        dl = décilitre, décilitres; hl = hectolitre, hectolitres; h = heure, heures; min mn = minute, minutes
        s sec = seconde, secondes; ms = milliseconde, millisecondes; % = pour cent; ‰ = pour mille; ° = degré, degrés
        °C = degré, degrés; °F = degré Fahrenheit, degrés Fahrenheit; km/h = kilomètre heure, kilomètres heure
        m/s² = mètre par seconde au carré, mètres par seconde au carré; ko Ko kB KB = kilooctet, kilooctets
        Mo MB = mégaoctet, mégaoctets; Go GB = gigaoctet, gigaoctets; To TB = téraoctet, téraoctets
        Mbps Mb/s Mbit/s = mégabit par seconde, mégabits par seconde
        Gbps Gb/s = gigabit par seconde, gigabits par seconde
        Hz = hertz, hertz; kHz = kilohertz; MHz = mégahertz; GHz = gigahertz; W = watt, watts
        kW = kilowatt, kilowatts
        MW = mégawatt, mégawatts; GW = gigawatt, gigawatts; kWh = kilowatt heure, kilowatts heure
        MWh = mégawatt heure, mégawatts heure; V = volt, volts; A = ampère, ampères; mA = milliampère, milliampères
        mAh = milliampère heure, milliampères heure; J = joule, joules; kJ = kilojoule, kilojoules
        cal = calorie, calories
        kcal = kilocalorie, kilocalories; Pa = pascal, pascals; hPa = hectopascal, hectopascals; bar = bar, bars
        atm = atmosphère, atmosphères; dB = décibel, décibels; N = newton, newtons; px = pixel, pixels
        ch = cheval, chevaux
        Ω = ohm, ohms; ″ = pouce, pouces; ft = pied, pieds; mph = mille à l'heure, milles à l'heure
        rpm = tour par minute, tours par minute; tr/min = tour par minute, tours par minute
        ppm = partie par million, parties par million; mmHg = millimètre de mercure, millimètres de mercure
    """),
    abbreviations=named("""
        M. = monsieur; MM. = messieurs; Mr = monsieur; Mr. = monsieur; Mrs = mesdames; Mme = madame
        appt = appartement; appt. = appartement; Mmes = mesdames; Mlle = mademoiselle; Mlles = mesdemoiselles
        Mgr = monseigneur; Dr = docteur; Dr. = docteur; Drs = docteurs; Pr = professeur; Pr. = professeur
        p. ex. = par exemple; p.ex. = par exemple; c.-à-d. = c'est-à-dire; càd = c'est-à-dire; n° = numéro
        nº = numéro
        nos = nos; n.° = numéro; N° = numéro; n°s = numéros; bd = boulevard; boul. = boulevard; chap. = chapitre
        éd. = édition; tél. = téléphone; env. = environ; max. = maximum; min. = minimum
         fig. = figure
        cf. = confer
        S. M. = sa majesté; S. A. R. = son altesse royale; km/h = kilomètres heure; rdv = rendez-vous
        RDV = rendez-vous
        s.v.p. = s'il vous plaît; svp = s'il vous plaît; vs = contre
        Cie = compagnie; dépt. = département
    """),
    closing=named("""
        etc. = et cétéra; av. J.-C. = avant Jésus-Christ; apr. J.-C. = après Jésus-Christ; J.-C. = Jésus-Christ
        P.-S. = post-scriptum
    """),
    before_capital=named("av. = avenue; Me = maître"),
    before_figure=named("p. = page; pp. = pages; n = numéro; tél = téléphone; no = numéro; No = numéro; s. = siècle"
        "; vol. = volume; Vol. = volume; art. = article; Art. = article"),
    signs=named("""
        & = et; @ = arobase; + = plus; % = pour cent; ‰ = pour mille; # = dièse; × = fois; ÷ = divisé par; . = point
        / = barre; - = tiret; _ = tiret bas; : = deux points; € = euros; $ = dollars; £ = livres sterling; ¥ = yens
        ₹ = roupies; ₿ = bitcoins; ° = degrés; < = inférieur à; > = supérieur à; ≤ = inférieur ou égal à
        ≥ = supérieur ou égal à; ± = plus ou moins; ≠ = différent de; ≈ = environ; ~ = environ; √ = racine carrée de
        ∞ = infini; π = pi; § = paragraphe; © = copyright; Ω = ohms; µ = micro; Δ = delta; ∑ = somme
        ? = point d'interrogation; \\ = barre oblique inverse
    """) | {"=": "égale"},
    is_one=lambda n: n < 2,
    first_day="premier",
    scales={
        "million": ("million", "millions"), "millions": ("million", "millions"), "M": ("million", "millions"),
        "milliard": ("milliard", "milliards"), "milliards": ("milliard", "milliards"), "Md": ("milliard", "milliards"),
        "Mds": ("milliard", "milliards"), "Mrd": ("milliard", "milliards"), "k": ("mille", "mille"),
        "K": ("mille", "mille"), "mille": ("mille", "mille"),
    },
    scale_link=lambda unit: f"d'{unit}" if unit[0] in "aeiouh" else f"de {unit}",
    thousands=frozenset({"k", "K", "mille"}),
)  # fmt: skip
