"""One class per reaction, not per cause."""


class TradingError(Exception):
    """Base of every error we raise on purpose."""


class ConfigError(TradingError):
    """A person must change a setting or an argument. Exit code 2, never retried."""


class VenueUnavailable(TradingError):
    """Worth trying again; the shell backs off with jitter."""


class VenueMessageInvalid(TradingError):
    """This one message is bad. It is kept in the dead-letter stream; `payload` is what could not be read, if known."""

    def __init__(self, reason: str, payload: str = "") -> None:
        super().__init__(reason)
        self.payload = payload


class MessageInvalid(TradingError):
    """A message on our own bus cannot be decoded. It is kept in the dead-letter stream."""


class StrategyFailed(TradingError):
    """One strategy raised. It is paused; the others go on."""


class Overrun(BaseException):
    """Raised into an evaluation that takes too long; no Exception, so that no strategy swallows it by the way."""


def one_line(error: BaseException) -> str:
    """What `error` says, on one line; its class where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__
