"""Figures and signs in Spanish, French, Italian, Portuguese and Hindi."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.text.spoken import FRENCH, HINDI, ITALIAN, PORTUGUESE, SPANISH, Continental

TABLES = {"es": SPANISH, "fr": FRENCH, "it": ITALIAN, "pt": PORTUGUESE, "hi": HINDI}
FACTS = """
es	Son las 15:30 del 3/4/2026.	Son las quince y treinta del tres de abril de dos mil veintiséis.
es	Cuesta 1.234,56 €.	Cuesta mil doscientos treinta y cuatro euros con cincuenta y seis céntimos.
es	El 50% de 12 kg.	El cincuenta por ciento de doce kilos.
es	El 1.º y la 2ª.	El primero y la segunda.
es	Escribe a ana@correo.es hoy.	Escribe a ana arroba correo punto es hoy.
es	Sr. García	señor García
es	De 5-10 km a -3 °C.	De cinco a diez kilómetros a menos tres grados.
es	1 km	un kilómetro
es	5 millones de €	cinco millones de euros
es	Es 3,14 o 3.14.	Es tres coma catorce o tres coma catorce.
fr	Il est 15h30.	Il est quinze heures trente.
fr	le 1/5/2026	le premier mai deux mille vingt six
fr	Ça coûte 1 234,56 €.	Ça coûte mille deux cent trente quatre euros et cinquante six centimes.
fr	Le 1er et le 2e.	Le premier et le deuxième.
fr	M. Dupont et Mme Martin	monsieur Dupont et madame Martin
it	Sono le 15:30.	Sono le quindici e trenta.
it	Costa 3,50 €.	Costa tre euro e cinquanta centesimi.
it	Il 1º posto	Il primo posto
pt	Custa R$ 1.234,56.	Custa mil duzentos e trinta e quatro reais e cinquenta e seis centavos.
pt	O 1º e a 2ª	O primeiro e a segunda
pt	às 15:30	às quinze e trinta
hi	₹1,234	एक हज़ार दो सौ चौंतीस रुपये
hi	50% लोग	पचास प्रतिशत लोग
hi	1234567	बारह लाख चौंतीस हज़ार पाँच सौ सड़सठ
"""


@pytest.mark.parametrize(("language", "written", "said"), [row.split("\t") for row in FACTS.strip().splitlines()])
def test_is_said(language: str, written: str, said: str) -> None:
    assert Continental(TABLES[language])(written) == said


@pytest.mark.parametrize("language", TABLES)
@given(text=st.text(max_size=60))
def test_no_digit_is_left(language: str, text: str) -> None:
    assert not any(c.isdecimal() for c in Continental(TABLES[language])(text))


@pytest.mark.parametrize("language", TABLES)
@pytest.mark.parametrize("piece", ["1.", "1 ", "1-", "a.", "a@", "1/", "$1", "www.", "A", "1 234 "])
def test_a_long_text_of_one_piece_is_read_in_linear_time(language: str, piece: str) -> None:
    import time

    say = Continental(TABLES[language])
    start = time.process_time()
    say(piece * (30_000 // len(piece)))
    assert time.process_time() - start < 5


def test_as_written_leaves_an_abbreviation_alone() -> None:
    assert Continental(SPANISH, normalise=False)("Sr. 5 km") == "Sr. cinco km"
