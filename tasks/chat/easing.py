"""How far below the known limits calls go, where a server has lowered its own without a word."""

from collections import deque

PAUSES = 2  # in one window: one alone is a late call or two
LONGER = 0.02  # of a window: each further pause in it has a wait longer by so much: a dozen at most
MUCH = 0.5  # of what may be used within a window: else it is not the minute that is used up
LEAST = 0.05
NEAR = 0.1  # so close below what was refused, more is only tried in such steps
LONGEST = 32  # windows without a refusal before more is tried


class Easing:
    """Finds the share of the limits that a server takes; it is 1 until the server refuses within them.

    A window with several pauses lowers it by as much of the window as was spent in them. After a window
    without any, more is tried: halfway to what was last refused, and a tenth more where that is near. A try
    that is refused is taken back, and the wait before the next doubles. Times are of any one clock that
    never goes back.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._share = self._taken = self._refused = 1.0  # taken: for a whole window
        self._patience = 1  # in windows
        self._quiet_since = 0.0
        self._began: float | None = None  # of the window whose pauses are counted
        self._pauses = 0
        self._paused_s = 0.0
        self._paused_since: float | None = None
        self._used: deque[tuple[float, float]] = deque()
        self._used_in_all = 0.0  # within a window, as a share of the limits
        self._is_used_up = False  # since the last window without a refusal

    @property
    def is_lower(self) -> bool:
        """Whether less than the whole limit is used."""
        return self._share < 1

    def share(self, now: float) -> float:
        """Say what share of the limits may be used now."""
        if self._began is not None and now - self._began >= self._window_s:
            self._end_window(now)
        is_quiet = now - self._quiet_since >= self._window_s * self._patience
        if is_quiet and min(self._share, self._taken) < 1:
            self._quiet_since = now
            self._raise()
        return self._share

    def refused(self, now: float) -> float:
        """Note that a pause begins, as the server has refused a call; says how long the next has to wait."""
        self._quiet_since = now
        if self._began is None:
            self._began, self._pauses, self._paused_s = now, 0, 0.0
        self._pauses += 1
        if self._paused_since is None:
            self._paused_since = now
        if self._taken < self._share:
            self._refused, self._share = self._share, self._taken
            self._patience = min(LONGEST, 2 * self._patience)
        self._forget(now)
        self._is_used_up |= self._used_in_all >= MUCH * self._share
        return max(0, self._pauses - PAUSES) * LONGER * self._window_s if self._is_used_up else 0.0

    def answered(self, now: float, sent: float, used: float) -> None:
        """Note that the server has taken a call that was sent at that moment: it ends a pause.

        `used` is what it took of the limits that are known: a share of a window's.
        """
        self._used.append((now, used))
        self._used_in_all += used
        self._forget(now)
        if self._paused_since is not None and sent >= self._paused_since:
            self._paused_s += now - self._paused_since
            self._paused_since = None

    def _forget(self, now: float) -> None:
        while self._used and self._used[0][0] <= now - self._window_s:
            self._used_in_all -= self._used.popleft()[1]

    def _end_window(self, now: float) -> None:
        assert self._began is not None
        if self._paused_since is not None:
            self._paused_s += now - self._paused_since
            self._paused_since = now
        lost = self._paused_s / (now - self._began)
        if self._pauses >= PAUSES:
            self._refused = self._share
            self._share = self._taken = max(LEAST, self._share * (1 - lost))
        self._began = None

    def _raise(self) -> None:
        self._is_used_up = False
        if self._taken < self._share:
            self._taken, self._patience = self._share, 1
        more = (self._share + self._refused) / 2
        if self._refused - self._share <= NEAR * self._refused:
            more = self._share * (1 + NEAR)
        self._share = min(1.0, more)
        self._refused = max(self._refused, self._share)
