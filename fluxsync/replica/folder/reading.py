"""Reading the files that a walk could not tell by their stamps: in parallel, and never a torn one."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from fluxsync.core.model import Entry, Kind, Place, Stamp
from fluxsync.core.paths import basename, dirname
from fluxsync.errors import ReplicaError, Unavailable
from fluxsync.replica.folder.busy import OPEN_ELSEWHERE, POLL_S
from fluxsync.replica.folder.root import Root
from fluxsync.replica.folder.source import digest_of, open_file
from fluxsync.replica.folder.stamps import birth_ns, lstat, quiet, stamp_of
from fluxsync.replica.folder.take_up import TakeUp
from fluxsync.replica.folder.translate import explain

__all__ = ["Reader", "Reading"]

_FEW = 8
_WORKERS = min(8, os.cpu_count() or 1)
_GONE = Stamp(-1, 0, 0, 0)
_CHANGING = "it keeps changing; it is taken up when it has come to rest"


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading one file gave: an entry, or nothing where it is `gone`, or why not."""

    path: str
    entry: Entry | None = None
    reason: str = ""
    #: Open or changing: worth another look soon.
    again: bool = False
    #: That look tells for sure, so that every pass waits for it.
    brief: bool = False
    gone: bool = False
    stamp: Stamp | None = None


class Reader:
    """Reads files below an opened root."""

    def __init__(
        self,
        root: Root,
        top: int,
        take_up: TakeUp,
        *,
        wait: Callable[[float], None],
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._root = root
        self._top = top
        self._take_up = take_up
        self._wait = wait
        self._on_progress = on_progress
        self._files = 0
        self._bytes = 0
        self._lock = threading.Lock()

    def read_all(self, paths: Mapping[str, Stamp | None]) -> list[Reading]:
        """Read files; those that are open or changing are waited for together, as long as patience lasts.

        One that has another stamp than is given with its path is changing.
        """
        done: list[Reading] = []
        waiting = dict(paths)
        waited_s = 0.0
        patience_s = self._take_up.patience_s
        while waiting:
            again: dict[str, Stamp | None] = {}
            for reading in self._round(list(waiting.items())):
                if reading.again and waited_s < (max(patience_s, POLL_S) if reading.brief else patience_s):
                    again[reading.path] = reading.stamp
                    continue
                done.append(reading)
                self._report(reading)
            waiting = again
            if waiting:
                self._wait(POLL_S)
                waited_s += POLL_S
        return done

    def _round(self, work: list[tuple[str, Stamp | None]]) -> Iterator[Reading]:
        """Read each file once; by the dozen, as handing one to a thread costs as much as reading it."""
        if len(work) < _FEW:
            yield from map(self._read, work)
            return
        size = min(_FEW * 4, max(1, len(work) // (_WORKERS * _FEW)))
        batches = (work[start : start + size] for start in range(0, len(work), size))
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="fluxsync-read") as pool:
            for readings in pool.map(lambda batch: [self._read(one) for one in batch], batches):
                yield from readings

    def _read(self, work: tuple[str, Stamp | None]) -> Reading:
        path, before = work
        try:
            with self._root.parent(self._top, path) as at:
                fd = open_file(at)
                try:
                    return self._read_open(path, fd, birth_ns(at, os.fstat(fd)), before)
                finally:
                    os.close(fd)
        except FileNotFoundError:
            # Programs delete and write anew; what is missing at two looks is gone.
            return Reading(path, gone=True, again=before is not _GONE, brief=True, stamp=_GONE)
        except BlockingIOError:
            return Reading(path, reason=OPEN_ELSEWHERE, again=True)  # held by somebody for himself alone
        except OSError as error:
            return Reading(path, reason=explain(error))
        except Unavailable:
            raise  # the pass was asked to stop
        except ReplicaError as error:
            return Reading(path, reason=str(error))

    def _read_open(self, path: str, fd: int, birth: int | None, before: Stamp | None) -> Reading:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return Reading(path, reason="it is no regular file any more")
        stamp = stamp_of(status, birth)
        if self._take_up.is_open(fd, stamp):
            return Reading(path, reason=OPEN_ELSEWHERE, again=True, stamp=stamp)
        # A file that changed since the last look is not read at each of them: it might be a large one being
        # written. Nor is one whose next change could hide in the grain of the clock.
        known = before in (None, stamp)
        if not known or not quiet(stamp.mtime_ns, stamp.ctime_ns, int(self._take_up.clock() * 1e9)):
            return Reading(path, reason=_CHANGING, again=True, brief=known, stamp=stamp)
        digest = digest_of(fd, self._on_block)
        with self._root.parent(self._top, path) as at:
            intact = stamp_of(os.fstat(fd)) == stamp == stamp_of(lstat(at))
        if not intact or self._take_up.is_open(fd, stamp):
            return Reading(path, reason=_CHANGING, again=True, stamp=stamp)
        place = Place(dirname(path), basename(path))
        return Reading(path, Entry(Kind.FILE, place, size=stamp.size, digest=digest, stamp=stamp))

    def _on_block(self, count: int) -> None:
        """Report each block, from any thread: a large file must not keep whoever asks to stop waiting."""
        with self._lock:
            self._bytes += count
        self._progress()

    def _report(self, reading: Reading) -> None:
        self._files += 1
        self._progress()

    def _progress(self) -> None:
        if self._on_progress is not None:
            self._on_progress(self._files, self._bytes)
