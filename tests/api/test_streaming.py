import orjson

from ttsai_server.api.streaming import event


def test_an_event_has_its_type_and_its_data_on_one_line():
    head, data, *rest = event({"type": "made.up", "text": "one\n\ntwo"}).split(b"\n")
    assert (head, rest) == (b"event: made.up", [b"", b""])
    assert orjson.loads(data.removeprefix(b"data: ")) == {"type": "made.up", "text": "one\n\ntwo"}
