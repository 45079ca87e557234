"""A full list that shows just what the last one showed: then nothing is loaded, walked or decided.

That is worth asking for only while all else is as a whole pass left it that found nothing to do: the ancestor
has not moved since, and nothing is held back, put aside, waiting or failing. What the passing of time alone
makes due, as in the trash, is seen to by the whole pass that comes all the same from time to time.
"""

from __future__ import annotations

from dataclasses import dataclass

from fluxsync.core.put_aside import Shelf
from fluxsync.engine.pair import Pair
from fluxsync.engine.record import write_down
from fluxsync.engine.report import Report, Result
from fluxsync.engine.view import Listed
from fluxsync.engine.watcher import Watcher
from fluxsync.replica.base import RemoteReplica
from fluxsync.state.journal import Journal

__all__ = ["Standstill", "list_unread"]

#: Two whole passes are never further apart than this and one `full_list_interval`.
_LONGEST_S = 12 * 3600.0


@dataclass(slots=True)
class Standstill:
    """Since when nothing has happened. Times are seconds of a clock that never goes back."""

    _since_s: float | None = None
    _generation: str = ""

    def begin(self, journal: Journal) -> None:
        """Note that a whole pass begins."""
        self._since_s, self._generation = None, _generation(journal)

    def end(self, journal: Journal, remote: RemoteReplica, report: Report, now_s: float) -> None:
        """Note how it ended."""
        idle = report.result is Result.IN_STEP and report.whole and report.rounds == 1 and not report.again
        if idle and report.listed is not None and _is_as_it_was(journal, self._generation):
            remote.settled()
            self._since_s = now_s

    def lasts(self, journal: Journal, now_s: float) -> bool:
        """Tell whether a list that shows nothing new would leave nothing to be done."""
        if self._since_s is None or not 0 <= now_s - self._since_s < _LONGEST_S:
            return False
        return _is_as_it_was(journal, self._generation)


def list_unread(pair: Pair, watcher: Watcher) -> Report | None:
    """Make a full list without reading it; None: it is another one, or nobody can tell.

    To be asked while a standstill lasts. Raises what a scan of the account raises.
    """
    started_s, requests = watcher.clock(), pair.requests()
    if not pair.remote.unchanged(lambda: watcher.meter.add(0, up=False)):
        return None
    journal, tracked = pair.journal, pair.journal.tracked()
    seconds, requests = watcher.clock() - started_s, pair.requests() - requests
    report = Report(unchanged=tracked, requests=requests, seconds=seconds, whole=False)
    report.listed = Listed(requests, seconds, found=False, shown=True)
    number = journal.begin_pass(tracked)
    write_down(journal, report, Shelf(journal.put_aside()), number, lambda path: False)
    return report


def _generation(journal: Journal) -> str:
    """Return what another text follows whenever the ancestor moves."""
    return journal.fact("generation") or ""


def _is_as_it_was(journal: Journal, generation: str) -> bool:
    if _generation(journal) != generation:
        return False
    open_ends = (journal.held(), journal.approved(), journal.put_aside(), journal.unsettled())
    return not any(open_ends) and all(row.problem.harmless for row in journal.problem_rows())
