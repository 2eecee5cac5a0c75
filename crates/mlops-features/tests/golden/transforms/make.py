"""Values of xxhash 4.1, haversine 2.9 and Python's own zoneinfo for the functions of transforms.

pip install xxhash haversine numpy && python make.py > values.json
"""

import datetime
import json
import struct
import sys
from importlib.metadata import version
from zoneinfo import ZoneInfo

import haversine
import xxhash

texts = ["", "a", "abc", "United Kingdom", "日本語", "é" * 40, "x" * 100, "0123456789abcdef" * 2]
ints = [0, 1, -1, 17850, 2**63 - 1, -(2**63)]
places = [
    (51.5074, -0.1278, 48.8566, 2.3522),
    (40.6413, -73.7781, 51.47, -0.4543),
    (-33.8688, 151.2093, 35.6762, 139.6503),
    (0.0, 0.0, 0.0, 180.0),
    (89.9, 10.0, -89.9, -170.0),
    (12.5, 33.25, 12.5, 33.25),
]
times = [0, -1, 1301187600, 1301191200, 1319936400, 1319940000, 1709164800, 4102444799, -3000000000]
zones = ["UTC", "Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]


def parts(seconds, zone):
    t = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    t = t.astimezone(ZoneInfo(zone))
    return [t.year, t.month, t.day, t.hour, t.minute, t.second, t.isoweekday(), t.isocalendar()[1],
            t.timetuple().tm_yday]


json.dump(
    {
        "python": sys.version.split()[0],
        "xxhash": version("xxhash"),
        "haversine": version("haversine"),
        "text_buckets": [[t, xxhash.xxh64_intdigest(t.encode()) % 1000] for t in texts],
        "int_buckets": [[i, xxhash.xxh64_intdigest(struct.pack("<q", i)) % 1000] for i in ints],
        "haversine_km": [[*p, haversine.haversine(p[:2], p[2:])] for p in places],
        "time_parts": [[s, z, parts(s, z)] for s in times for z in zones],
    },
    sys.stdout,
    ensure_ascii=False,
    separators=(",", ":"),
)
