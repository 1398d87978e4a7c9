"""Read by Python at its start in processes whose PYTHONPATH holds this folder: their clock is off.

Durations stay right, since those come from `time.monotonic`.
"""

import os
import time
from datetime import timedelta

from django.utils import timezone

_OFFSET = int(os.environ["CHAOS_CLOCK_OFFSET_SECONDS"])
_time, _time_ns, _now = time.time, time.time_ns, timezone.now

time.time = lambda: _time() + _OFFSET
time.time_ns = lambda: _time_ns() + _OFFSET * 10**9
timezone.now = lambda: _now() + timedelta(seconds=_OFFSET)
