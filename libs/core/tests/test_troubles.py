"""What services say is wrong reaches the person at the terminal once, and so does its end."""

from trading_core.messages import HeartbeatMessage
from trading_core.supervise.troubles import Troubles


def a_beat(service: str, *trouble: str) -> HeartbeatMessage:
    return HeartbeatMessage(
        id="hb", service=service, instance="1", sent_time_ms=1, started_time_ms=0, status="ok", event_time_ms=None,
        detail={"trouble": list(trouble)},
    )  # fmt: skip


def test_each_sentence_is_said_once_and_its_end_as_well() -> None:
    said: list[str] = []
    troubles = Troubles(said.append)
    for beat in (
        a_beat("api"),
        a_beat("hl", "one"),
        a_beat("hl", "one"),
        a_beat("pm", "one"),
        a_beat("hl", "one", "2"),
    ):
        troubles.heard(beat)
    assert said == ["hl: one", "pm: one", "hl: 2"]
    troubles.heard(a_beat("hl", "2"))
    troubles.heard(a_beat("hl"))
    troubles.heard(a_beat("hl"))
    assert said[3:] == ["hl: all is well again"]
