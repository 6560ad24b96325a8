"""Semantically unpredictable sentences (Benoît, Grice and Hazan 1996): each word must be heard, grammar is no help."""

import random

FORMS = (
    "The {n} {v} {p} the {a} {n}.",
    "The {a} {n} {v} the {n}.",
    "Why did the {a} {n} and the {n} stop?",
    "The {n} {v} the {n} that {v} the {n}.",
    "Use the {a} {n} or the {n} {p} the {n}.",
)
WORDS = {
    "n": "bank bird boat bone book boy bread bridge brush cake car cat chair cheese child church clock cloud coat "
    "corn crowd cup deer desk dish dog door dress drum farm field fire fish flag floor fork friend frog gate "
    "girl glass goat gold grass guard hall hat hill horse house ice key king knife lake lamp leaf leg light "
    "lion map milk moon mouse mouth nail neck nest night nose nurse park pen pig plane plant plate pond queen "
    "rain ring road rock roof room rope salt school seat sheep shelf ship shirt shoe shop smoke snow sock song "
    "soup spoon star stone storm street sun tail tent thief tooth town train tree truck voice wall watch wave "
    "wheel wife wind wing wood world",
    "v": "asked bit blamed bought broke brought built burned called carried caught changed chose cleaned climbed "
    "closed crossed cut drank drew drove ate fed fought filled fixed found forgot gave grew guessed held "
    "helped hid hit judged kept kicked killed knew learned led left liked lost loved made met moved named "
    "opened owned packed paid pulled pushed raised reached read rode saved saw sent served showed shut signed "
    "sold stole stopped taught threw told took touched turned used wanted warned washed watched wore won wrote",
    "a": "bad big black blue bold brave bright brown calm cheap clean cold cool dark dead deep dry dull fair false "
    "fast fat fine flat fresh full good grand gray great green hard high hot huge kind large late light long "
    "loose loud low mad mild neat new nice odd old pale plain poor proud pure quick quiet rare raw red rich "
    "ripe rough round sad safe sharp short shy sick slim slow small smart smooth soft sore sour square steep "
    "strange strong sweet tall thick thin tight tough true vast warm weak wet white wide wild wise young",
    "p": "above across after against behind below beside from near over past through under with",
}


def sentences(count: int, chance: random.Random) -> str:
    """So many sentences in English, of 6 to 9 words."""
    words = {kind: known.split() for kind, known in WORDS.items()}
    slots = [slot for _ in range(count) for slot in chance.choice(FORMS).split()]
    return " ".join(chance.choice(words[slot[1]]) + slot[3:] if slot[0] == "{" else slot for slot in slots)
