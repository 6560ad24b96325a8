"""Routes between languages."""

from dataclasses import replace

import pytest

from ttsai_server.domain import Capability, ModelCard, Tier
from ttsai_server.errors import BadRequest
from ttsai_server.services.translation import Destination, Leg, Routes

BLANK = ModelCard("", "", (Capability.TRANSLATION,), Tier.FREE, "", "MIT", (), 0)


def between(id: str, *pairs: str) -> ModelCard:
    split = tuple((pair[:2], pair[3:]) for pair in pairs)
    return replace(BLANK, id=id, pairs=split, languages=tuple({code for pair in split for code in pair}))


PT = between("pt", "en-pt", "pt-en")
FR = between("fr", "fr-en", "en-fr")
ALL = replace(BLANK, id="all", languages=("de", "en", "fr", "pt"))
LISTENER = replace(BLANK, id="whisper", tasks=(Capability.STT,), languages=("de", "en"), translates=True)


def test_a_direct_model_goes_before_two() -> None:
    assert Routes([PT, FR, ALL]).find("fr", "pt") == (Leg(ALL, "fr", "pt"),)


def test_without_a_direct_model_the_way_is_through_english() -> None:
    assert Routes([PT, FR]).find("fr", "pt") == (Leg(FR, "fr", "en"), Leg(PT, "en", "pt"))


def test_the_model_that_is_named_first_goes_before_others() -> None:
    assert Routes([ALL, PT]).find("en", "pt") == (Leg(ALL, "en", "pt"),)


def test_one_language_needs_no_model() -> None:
    assert Routes([]).find("en", "en") == ()


def test_without_models_there_is_no_way() -> None:
    assert Routes([PT]).find("en", "fr") is None
    assert Routes([PT]).find("fr", "pt") is None


def test_sources_and_targets_are_those_that_there_is_a_way_to() -> None:
    routes = Routes([PT, between("de", "de-en")])
    assert routes.targets("de") == {"en", "pt"}
    assert routes.sources("pt") == {"en", "de"}
    assert routes.targets("fr") == set()


def test_what_is_impossible_is_refused_with_what_is_possible() -> None:
    destination = Destination("fr", LISTENER, Routes([PT]), Routes([PT]))
    with pytest.raises(BadRequest, match=r"German can't be translated to French\. From 'de': en\. To 'fr': none\."):
        destination.check("de")
    with pytest.raises(BadRequest):
        destination.check(None)


def test_a_model_that_is_ready_goes_before_a_shorter_way_that_is_not() -> None:
    destination = Destination("pt", LISTENER, Routes([PT, FR]), Routes([ALL, PT, FR]))
    route = destination.route("fr")
    assert route
    assert [leg.card for leg in route] == [FR, PT]


def test_into_english_the_listener_translates_where_no_model_is_ready() -> None:
    assert Destination("en", LISTENER, Routes([]), Routes([ALL])).route("de") is None
    assert Destination("en", LISTENER, Routes([ALL]), Routes([ALL])).route("de") == (Leg(ALL, "de", "en"),)
