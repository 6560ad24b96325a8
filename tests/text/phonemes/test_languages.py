"""Spanish, French, Italian, Portuguese and Hindi → phonemes by rules; Japanese and Chinese by extras."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttsai_server.errors import BadRequest
from ttsai_server.text.phonemes import Phonemizer
from ttsai_server.text.phonemes.alphabet import ALPHABET
from ttsai_server.text.phonemes.extras import with_others

LANGUAGES = ["es", "fr", "it", "pt-br", "hi"]
FACTS = """
es	Hola, ¿cómo estás?	ˈola, kˈomo estˈas?
es	El niño pequeño juega en la calle con su guitarra.	el nˈiɲo pekˈeɲo xwˈeɣa en la kˈaʎe kon su ɣitˈara.
es	ciudad	θjuðˈad
es	un poco	um pˈoko
es	fácilmente	fˈaθilmˈente
es	abogado	ˌaβoɣˈaðo
es	rey	rˈA
es	FBI	ˈefe βˈe ˈi
es	la ONU	la ˈonu
es	Cuesta 5 €.	kwˈesta θˈiŋko ˈeʊɾos.
fr	Bonjour tout le monde.	bɔ̃ʒˈuʁ tˈu lə mˈɔ̃d.
fr	les enfants	lez ɑ̃fˈɑ̃
fr	les haricots	le aʁikˈo
fr	un ami	œ̃n amˈi
fr	ils parlent	il pˈaʁl
fr	vraiment content	vʁɛmˈɑ̃ kɔ̃tˈɑ̃
fr	elle tient	ɛl tjˈɛ̃
fr	la fille et la ville	la fˈij e la vˈil
fr	l'homme	lˈɔm
fr	dix minutes, dix ans	dˈi minˈyt, dˈiz ˈɑ̃
fr	nation, question	nasjˈɔ̃, kɛstjˈɔ̃
fr	feuille, soleil, travail	fˈœj, solˈɛj, tʁavˈaj
fr	dix huit, dix neuf ans, dix sept	dˈiz ɥˈit, dˈiz nˈœv ˈɑ̃, dˈis sˈɛt
fr	vingt deux pages, vingt pages	vˈɛ̃t dˈø pˈaʒ, vˈɛ̃ pˈaʒ
fr	quatre vingts euros, quatre vingt un	katʁəvˈɛ̃z øʁˈo, katʁəvˈɛ̃ œ̃
fr	cent un, cent ans, huit pages	sˈɑ̃ œ̃, sˈɑ̃t ˈɑ̃, ɥˈi pˈaʒ
fr	la nuit, deux tiers, milligramme	la nɥˈi, dˈø tjˈɛʁ, miliɡʁˈam
fr	Il est 15h30.	il ɛ kˈɛ̃z ˈœʁ tʁˈɑ̃t.
it	Ciao, come stai?	ʧˈao, kˈome stˈaj?
it	gli gnocchi	ʎɪ ɲˈokːɪ
it	la città è bella	la ʧitːˈa ˈɛ bˈɛlla
it	scienza e scuola	ʃˈɛnʦa e skwˈɔla
it	telefono	telˈɛfono
it	farmacia	farmaʧˈia
it	amici	amˈiʧɪ
it	l'amico	lamˈiko
it	3,5 dollari	trˈe vˈirɡola ʧˈinkwe dˈɔllarɪ
it	signor Verdi, professor Rossi	siɲˈor vˈerdɪ, profeSˈor rˈoSɪ
it	ventisette, trentasei	ventisˈɛtːe, trentasˈɛj
it	università	universitˈa
pt-br	Bom dia!	bˈoŋ ʤˈiæ!
pt-br	irmão	iɾəmˈɐ̃ʊ̃
pt-br	falam	fˈalɐ̃ʊ̃
pt-br	história	istˈɔɾjæ
pt-br	noite	nˈoɪʧy
pt-br	Brasil	brazˈiʊ
pt-br	carro	kˈaxʊ
pt-br	treze, catorze	trˈezy, katˈoɾəzy
pt-br	trabalho	trabˈaljʊ
hi	नमस्ते	nəmˈʌsteː
hi	भारत	bʰˈaːɾət
hi	लड़का	lˈʌɽkaː
hi	किताब	kɪtˈaːb
hi	मुंबई	mˈʊmbəi
hi	विज्ञान	ʋˈɪɡjaːn
hi	पाँच	pˈãːc
hi	iPhone	ˈIfˌOn
"""


@pytest.fixture(scope="session")
def phonemizers() -> dict[str, Phonemizer]:
    return {language: Phonemizer.load(language) for language in LANGUAGES}


@pytest.mark.parametrize(("language", "text", "phonemes"), [row.split("\t") for row in FACTS.strip().splitlines()])
def test_sounds(phonemizers: dict[str, Phonemizer], language: str, text: str, phonemes: str) -> None:
    import unicodedata

    assert phonemizers[language].phonemize(text) == unicodedata.normalize("NFD", phonemes)


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=st.text(max_size=60))
@settings(max_examples=60)
def test_only_the_alphabet_comes_out(phonemizers: dict[str, Phonemizer], language: str, text: str) -> None:
    assert set(phonemizers[language].phonemize(text)) <= ALPHABET


LATIN = "abcdefghijklmnopqrstuvwxyzáéíóúñçãõàèìòùâêîôûëïüœABCXYZ0123456789"
DEVANAGARI = "अआइईउऊएऐओऔकखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह०१२३४५६७८९"


@pytest.mark.parametrize(
    ("language", "letters"), [(language, DEVANAGARI if language == "hi" else LATIN) for language in LANGUAGES]
)
@given(data=st.data())
@settings(max_examples=200)
def test_a_word_is_said(phonemizers: dict[str, Phonemizer], language: str, letters: str, data: st.DataObject) -> None:
    word = data.draw(st.text(st.sampled_from(letters), min_size=1, max_size=10))
    assert any(c.isalpha() for c in phonemizers[language].phonemize(word))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("word", ["Привет", "北京", "ñandú", "Zürich", "नमस्ते", "XKCD"])
def test_a_foreign_word_is_said(phonemizers: dict[str, Phonemizer], language: str, word: str) -> None:
    assert any(c.isalpha() for c in phonemizers[language].phonemize(word))


@pytest.mark.parametrize(("language", "module"), [("ja", "misaki.cutlet"), ("zh", "jieba")])
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, language: str, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(BadRequest, match=rf"ttsai-server\[{language}\]"):
        Phonemizer.load(language)


def test_espeak_is_used_only_when_asked_for_and_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "misaki.espeak", None)
    Phonemizer.load("it")
    with pytest.raises(BadRequest, match=r"ttsai-server\[espeak\]"):
        Phonemizer.load("it", espeak=True)


@pytest.mark.parametrize("word", ["hello", "привет", "مرحبا", "שלום", "สวัสดี", "नमस्ते", "여보세요"])
def test_words_in_other_letters_are_not_left_out_of_chinese(word: str) -> None:
    def own(text: str) -> tuple[str]:
        return ("".join(c for c in text if "\u4e00" <= c <= "\u9fff"),)

    said = with_others(own, r"\p{Han}")(f"你好 {word} 你好")
    assert said.startswith("你好 ")
    assert said.endswith(" 你好")
    assert any(c.isalpha() for c in said[3:-3])
