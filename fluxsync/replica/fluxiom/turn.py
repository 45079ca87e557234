"""One request's time inside the gate, and what its answer says about the account as a whole."""

from __future__ import annotations

from types import TracebackType

from fluxsync.replica.fluxiom.gate import Gate
from fluxsync.replica.fluxiom.silence import Silence

__all__ = ["Turn"]


class Turn:
    """Begins when the gate lets it through. Used by one thread; ended once, however often that is said."""

    def __init__(self, gate: Gate, silence: Silence) -> None:
        self._gate = gate
        self._silence = silence
        self._round = gate.enter()
        self._ended = self._answered = False
        #: For how long the service is to be left alone after this request was refused.
        self.pause_s = 0.0
        silence.asked()

    def __enter__(self) -> Turn:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def moved(self) -> None:
        """Note bytes of an answer that is one."""
        self._silence.moved()

    def answered(self) -> None:
        """Note an answer; what it says about one item is no matter here."""
        self._answered = True
        self._silence.moved()
        self._gate.answered(self._round)

    def refused(self, retry_after_s: float | None) -> None:
        """Note a 429 or 503, before anybody else may enter: it is no sign of life."""
        self.pause_s = self._gate.refused(self._round, retry_after_s)

    def end(self) -> None:
        if not self._ended:
            self._ended = True
            self._silence.ended(answered=self._answered)
            self._gate.leave()
