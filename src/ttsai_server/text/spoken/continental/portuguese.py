"""Portuguese, of Brazil."""

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

_cardinal = by_num2words("pt_BR")
_num2words_ordinal = by_num2words("pt_BR", "ordinal")
_FEMININE = re.compile(
    r"(?:as?|(?:[^r]a|[^o]|co|^)[cç](?:ão|ões)|[sx](?:ão|ões)|dades?|ge(?:m|ns)|tudes?|ices?|ãs?|iz(?:es)?"
    r"|^(?:vez(?:es)?|noites?|tardes?|mulher(?:es)?|flor(?:es)?|cor(?:es)?|luz(?:es)?|voz(?:es)?|paz|cruz(?:es)?"
    r"|partes?"
    r"|gentes?|fontes?|pontes?|mentes?|mortes?|redes?|sedes?|árvores?|chaves?|naves?|carnes?|peles?|leis?|mães?"
    r"|fotos?|motos?"
    r"|tribos?|mãos?|classes?|frases?|bases?|fases?|séries?|espécies?|superfícies?|torres?|aves?|neves?|dor(?:es)?"
    r"|colher(?:es)?"
    r"|razão|razões|região|regiões|opinião|opiniões|reunião|reuniões|estação|estações|lições|crises?|sínteses?"
    r"|análises?"
    r"|hipóteses?|teses?|doses?|portagens|metades?|capitais|capital|catedrais|catedral|personagens?|tempestades?"
    r"|estantes?"
    r"|redes|radios|rádios?|equipes?|cidades?|fomes?|sortes?|nozes|noz|gripes?|boates?|lentes?|correntes?"
    r"|enchentes?))$"
)
_MASCULINE = re.compile(
    r"^(?:dia|meio-dia|problema|tema|sistema|programa|mapa|planeta|cinema|telefonema|grama|quilograma|miligrama"
    r"|idioma|clima"
    r"|poema|poeta|drama|fantasma|sintoma|aroma|plasma|dilema|esquema|teorema|enigma|emblema|lema|carisma|estigma"
    r"|prisma"
    r"|diploma|diagrama|cometa|pijama|sofá|papá|papa|guarda-chuva|coração|corações|fãs?|ímãs?|amanhãs?|índice"
    r"|apêndice"
    r"|vértice|cálice|índices|juiz|juizes|país|gás|ônibus|atlas|lápis|pires|mês|trema|axioma|microgramas?|giz"
    r"|nariz)s?$"
)
_SHE, _HE = (
    frozenset(listed("as umas estas essas aquelas outras das nas pelas às")),
    frozenset(listed("o os ao aos do dos no nos uns estes esses aqueles outros pelos")),
)


def _title(m: re.Match[str]) -> str:
    """D. Pedro, D. Maria"""
    return "dona" if m[1].endswith(("a", "Leonor", "Isabel", "Inês", "Beatriz")) else "dom"


def _ordinal(n: int) -> str:
    return _num2words_ordinal(n) if n else "zero"


def _is_feminine(noun: str) -> bool:
    first = noun.split()[0] if noun else ""
    return not _MASCULINE.search(first) and bool(_FEMININE.search(first))


def _before(number: str, feminine: bool, noun: str) -> str:
    """um → uma, dois → duas, duzentos mil → duzentas mil; not what counts millions"""
    if not feminine:
        return number
    cut = max((m.end() for m in re.finditer(r"lh(?:ão|ões)\b", number)), default=0)
    rest = re.sub(r"entos\b", "entas", re.sub(r"\bdois\b", "duas", re.sub(r"\bum\b", "uma", number[cut:])))
    return number[:cut] + rest


def _hour(hour: int, minute: int) -> str:
    said = _before(_cardinal(hour), True, "hora")
    return f"{said} e {_cardinal(minute)}" if minute else f"{said} hora{'' if hour == 1 else 's'}"


def _after_label(n: int, label: str) -> str:
    if n > 10:
        return _cardinal(n)
    return feminine_ordinal(_ordinal(n)) if _is_feminine(label) else _ordinal(n)


def _after_name(n: int, name: str) -> str:
    if n > 10:
        return _cardinal(n)
    she = name in ("Isabel", "Elizabeth", "Beatriz") or name.endswith("a")
    return feminine_ordinal(_ordinal(n)) if she else _ordinal(n)


_EURO, _DOLLAR, _POUND, _REAL = (
    (("euro", "euros"), ("centavo", "centavos")),
    (("dólar", "dólares"), ("centavo", "centavos")),
    (("libra", "libras"), ("pêni", "pence")),
    (("real", "reais"), ("centavo", "centavos")),
)
PORTUGUESE = Table(
    cardinal=_cardinal,
    ordinal=_ordinal,
    ordinal_marks=r"\.?[oa]s?\b",
    feminine_marks="ª|as?",
    point="vírgula",
    minus="menos",
    to="a",
    of="de",
    and_="e",
    hour=_hour,
    halves_of_day=("da manhã", "da tarde", "da noite"),
    months=listed("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"),
    short_months=listed("jan fev mar abr mai jun jul ago set out nov dez"),
    days=listed("segunda terça quarta quinta sexta sábado domingo"),
    short_days=listed("seg ter qua qui sex sáb dom"),
    day_lead="dia|no dia|em|até|desde|a partir de",
    hour_lead="às|as|das",
    decade_lead="anos|os",
    special=((re.compile(r"(?<![\w.])(?<!vitamina )(?<!grupo )(?<!plano )D\.(?=\s?([A-ZÀ-Þ][a-zß-ÿ]+))"), _title),),
    agreement=Agreement(
        feminine=_is_feminine, before=_before, plural="s$", singular=r"(?:[^s]|is|ês)$", she=_SHE, he=_HE
    ),
    roman=Roman(
        labels=frozenset(listed(
            "século séculos séc capítulo capítulos cap tomo tomos volume vol ato cena parte livro título artigo art"
            " anexo"
            " apêndice fase tipo grau nível grupo classe seção lição tema unidade ano salmo página ponto módulo bowl"
            " categoria temporada episódio canto fórmula número mundial etapa passo figura tabela opção versão edição"
            " canal porta sala quarto linha exercício questão zona turma inciso rodada rota")),
        after_label=_after_label,
        after_name=_after_name,
    ),
    particles=frozenset(listed(
        "a à ao aos às ante até com contra de da do das dos desde em entre na no nas nos para pela pelo pelas pelos"
        " por"
        " segundo sem sob sobre e ou nem que se não como mais menos o os as um uma uns umas me te lhe lhes meu minha"
        " meus"
        " minhas seu sua seus suas é são era eram foi foram será está estão tem têm há já também depois antes então"
        " quando"
        " onde mas porque pois jamais talvez dois três seis mil milhão milhões bilhão bilhões só cerca este esta"
        " estes estas"
        " esse essa esses essas cada tudo todo toda todos todas ganha ganhou mede pesa custa vale eles elas nós"
        " igual")),
    half=("um meio", "meio", "meia"),
    and_half=("meio", "meia"),
    with_part="e",
    parts={
        under: (one, f"{one}s")
        for under, one in {
            2: "meio", 3: "terço", 4: "quarto", 5: "quinto", 6: "sexto", 7: "sétimo", 8: "oitavo", 9: "nono",
            10: "décimo", 100: "centésimo", 1000: "milésimo",
        }.items()
    },
    part_of="de",
    over="sobre",
    powers=("ao quadrado", "ao cubo", "elevado a"),
    per="por",
    number="número",
    version="versão",
    phone=r"(?:\d\d )?9\d{4}[- ]\d{4}|\d\d \d{4}-\d{4}"
    r"|(?!(?:1\d|20)\d\d-(?:1\d|20)\d\d)\d{4}-\d{4}|0800[ -]?\d{3}[ -]?\d{4}",
    phone_lead="tel|telefone|fone|celular|fax|whatsapp|ligue|ligue para|ligue para o",
    money={
        "R$": _REAL, "BRL": _REAL, "€": _EURO, "EUR": _EURO, "$": _DOLLAR, "US$": _DOLLAR, "USD": _DOLLAR, "£": _POUND,
        "GBP": _POUND,
        "CHF": (("franco suíço", "francos suíços"), ("cêntimo", "cêntimos")),
        "¥": (("iene", "ienes"), ("sen", "sen")),
        "₹": (("rupia", "rupias"), ("paisa", "paisas")),
        "₿": (("bitcoin", "bitcoins"), ("satoshi", "satoshis")),
    },
    units=counted("""
        km = quilômetro, quilômetros; m = metro, metros; dm = decímetro, decímetros; cm = centímetro, centímetros
        mm = milímetro, milímetros; µm = micrômetro, micrômetros; nm = nanômetro, nanômetros; mi = milha, milhas
        km² = quilômetro quadrado, quilômetros quadrados; m² = metro quadrado, metros quadrados
        cm² = centímetro quadrado, centímetros quadrados; mm² = milímetro quadrado, milímetros quadrados
        m³ = metro cúbico, metros cúbicos; cm³ = centímetro cúbico, centímetros cúbicos
        km³ = quilômetro cúbico, quilômetros cúbicos; ha = hectare, hectares; kg Kg = quilo, quilos
        g gr = grama, gramas
        mg = miligrama, miligramas; µg mcg = micrograma, microgramas; t = tonelada, toneladas; lb lbs = libra, libras
        oz = onça, onças; l L = litro, litros; ml mL = mililitro, mililitros; cl = centilitro, centilitros
        dl = decilitro, decilitros; h hs = hora, horas; min = minuto, minutos; s seg = segundo, segundos
        ms = milissegundo, milissegundos; % = por cento; ‰ = por mil; ° = grau, graus; °C = grau, graus
        °F = grau Fahrenheit, graus Fahrenheit; km/h = quilômetro por hora, quilômetros por hora
        m/s² = metro por segundo ao quadrado, metros por segundo ao quadrado; kB KB = kilobyte, kilobytes
        MB = megabyte, megabytes; GB = gigabyte, gigabytes; TB = terabyte, terabytes
        Mbps Mb/s = megabit por segundo, megabits por segundo; Gbps = gigabit por segundo, gigabits por segundo
        Hz = hertz; kHz = quilohertz; MHz = megahertz; GHz = gigahertz; W = watt, watts; kW = quilowatt, quilowatts
        MW = megawatt, megawatts; GW = gigawatt, gigawatts; kWh = quilowatt hora, quilowatts hora
        MWh = megawatt hora, megawatts hora; V = volt, volts; A = ampere, amperes; mA = miliampere, miliamperes
        mAh = miliampere hora, miliamperes hora; J = joule, joules; kJ = quilojoule, quilojoules
        cal = caloria, calorias
        kcal = quilocaloria, quilocalorias; Pa = pascal, pascais; hPa = hectopascal, hectopascais; bar = bar, bares
        atm = atmosfera, atmosferas; dB = decibel, decibéis; N = newton, newtons; px = pixel, pixels
        cv CV = cavalo, cavalos
        Ω = ohm, ohms; ″ = polegada, polegadas; ft = pé, pés; mph = milha por hora, milhas por hora
        rpm = rotação por minuto, rotações por minuto; ppm = parte por milhão, partes por milhão
        mmHg = milímetro de mercúrio, milímetros de mercúrio; pp = ponto percentual, pontos percentuais
    """),
    abbreviations=named("""
        Sr. = senhor; Sra. = senhora; Srta. = senhorita; Srs. = senhores; Sras. = senhoras; Dr. = doutor
        Dra. = doutora
        Drs. = doutores; Sr.ª = senhora; Dr.ª = doutora; Prof. = professor; Profa. = professora; Prof.ª = professora
        Profª = professora
        Eng. = engenheiro; Gal. = general; Cel. = coronel; Pe. = padre; Exmo. = excelentíssimo; Exma. = excelentíssima
        V. Ex.ª = vossa excelência; V. Exa. = vossa excelência; V.Exa. = vossa excelência; V. S.ª = vossa senhoria
        V. Sa. = vossa senhoria; Ilmo. = ilustríssimo; Ilma. = ilustríssima; p. ex. = por exemplo; p.ex. = por exemplo
        n.º = número; nº = número; n° = número; n.° = número; núm. = número; nºs = números; Av. = avenida
        pág. = página
        págs. = páginas; cap. = capítulo; art. = artigo; vol. = volume; ed. = edição; séc. = século; tel. = telefone
        Tv. = travessa; Pça. = praça; Rod. = rodovia; Al. = alameda; apto. = apartamento; ap. = apartamento
        Jd. = jardim
        Cia. = companhia; Ltda. = limitada; máx. = máximo; mín. = mínimo; aprox. = aproximadamente; obs. = observação
        Sto. = santo; Sta. = santa; km/h = quilômetros por hora; vs. = versus; depto. = departamento; min. = minutos
        fig. = figura
    """),
    closing=named("""
        etc. = etcétera; a.C. = antes de Cristo; d.C. = depois de Cristo; a. C. = antes de Cristo
        d. C. = depois de Cristo; EUA = EUA
    """),
    before_capital=named("R. = rua; S. = são"),
    before_figure=named("""
        p. = página; pp. = páginas; fl. = folha; fls. = folhas; s. = século; tel = telefone; art = artigo; n. = número
    """),
    signs=named("""
        & = e; @ = arroba; + = mais; % = por cento; ‰ = por mil; # = cerquilha; × = vezes; ÷ = dividido por; . = ponto
        / = barra; - = traço; _ = sublinhado; : = dois pontos; € = euros; $ = dólares; £ = libras; ¥ = ienes
        ₹ = rupias
        ₿ = bitcoins; ° = graus; < = menor que; > = maior que; ≤ = menor ou igual a; ≥ = maior ou igual a
        ± = mais ou menos; ≠ = diferente de; ≈ = aproximadamente; ~ = aproximadamente; √ = raiz quadrada de
        ∞ = infinito
        π = pi; § = parágrafo; © = copyright; Ω = ohms; µ = micro; Δ = delta; ∑ = soma; ? = interrogação
        \\ = barra invertida
    """) | {"=": "igual a"},
    is_one=lambda n: n < 2,
    first_day="primeiro",
    scales={
        "milhão": ("milhão", "milhões"), "milhões": ("milhão", "milhões"), "mi": ("milhão", "milhões"),
        "M": ("milhão", "milhões"), "MM": ("milhão", "milhões"), "bilhão": ("bilhão", "bilhões"),
        "bilhões": ("bilhão", "bilhões"), "bi": ("bilhão", "bilhões"), "trilhão": ("trilhão", "trilhões"),
        "trilhões": ("trilhão", "trilhões"), "tri": ("trilhão", "trilhões"), "mil": ("mil", "mil"), "k": ("mil", "mil"),
        "K": ("mil", "mil"),
    },
    scale_link=lambda unit: f"de {unit}",
)  # fmt: skip
