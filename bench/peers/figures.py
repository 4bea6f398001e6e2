# bench/peers/figures.py — one session in figures: what was fetched, from the server's log, the same way
# for every player; when it moved and stood, from the player's own events; one formula over both.
import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

MPD = "{urn:mpeg:dash:schema:mpd:2011}"
# scripts/make_ladder.sh names a video segment v0-1.m4s in DASH, from 1, and seg-r0-0.m4s in HLS, from 0.
DASH_SEGMENT = re.compile(r"/v(\d+)-(\d+)\.m4s$")
HLS_SEGMENT = re.compile(r"/seg-r(\d+)-(\d+)\.m4s$")


@dataclass
class Events:
    """What a player said, in seconds from its start. A stall still open at the end has no end."""
    first: float | None = None   # first picture
    motion: float | None = None  # playback began
    stalls: list = field(default_factory=list)  # [begin, end or None]
    end: float | None = None     # when it had played all of it
    last: float = 0.0            # when the run ended, however it did
    note: str = ""


class Ladder:
    """The rungs as the MPD declares them (HLS offers the same encodings), and every file's size."""

    def __init__(self, media):
        self.media = media
        root = ElementTree.parse(media / "dash-number/manifest.mpd").getroot()
        self.duration = float(re.fullmatch(r"PT([\d.]+)S", root.get("mediaPresentationDuration")).group(1))
        video = next(a for a in root.iter(MPD + "AdaptationSet") if a.get("contentType") == "video")
        self.mbit = sorted(int(r.get("bandwidth")) / 1e6 for r in video.findall(MPD + "Representation"))
        template = next(video.iter(MPD + "SegmentTemplate"))
        self.segment_s = int(template.get("duration")) / int(template.get("timescale"))
        self.count = round(self.duration / self.segment_s)

    def segment(self, path):
        """(rung, number from 0) of a video segment's path, else None."""
        if found := DASH_SEGMENT.search(path):
            return int(found.group(1)), int(found.group(2)) - 1
        if found := HLS_SEGMENT.search(path):
            return int(found.group(1)), int(found.group(2))
        return None


def stalled_s(events, upto):
    return sum((upto if end is None else end) - begin for begin, end in events.stalls)


def played_segments(ladder, events):
    if events.end is not None:
        return ladder.count
    if events.motion is None:
        return 0
    media_s = events.last - events.motion - stalled_s(events, events.last)
    return min(ladder.count, max(0, int(media_s / ladder.segment_s)))


def fetched(ladder, folder, log_lines):
    """(segment -> [(rung, whole, bytes)] in order of completion, bytes of all responses). A transfer that
    goes on where one before it ended belongs to it: such a chain is one fetch."""
    by_segment, total = {}, 0
    for line in log_lines:
        entry = json.loads(line)
        total += entry["bytes"]
        found = ladder.segment(entry["path"])
        if not found or entry["method"] != "GET" or entry["status"] not in (200, 206):
            continue
        begin = int(re.match(r"bytes=(\d+)", entry["range"]).group(1)) if entry["range"] else 0
        size = (folder / entry["path"].lstrip("/")).stat().st_size
        got = by_segment.setdefault(found[1], [])
        if begin and got and got[-1][0] == found[0] and not got[-1][1]:
            entry["bytes"] += got.pop()[2]
            begin = 0
        got.append((found[0], begin + entry["bytes"] >= size, entry["bytes"]))
    return by_segment, total


def rung_sequence(by_segment, count, adapts):
    """The rung played of each segment: the last one fetched whole (a player that fetches a segment
    again replaces it). A player that does not adapt fetches others while probing; it plays one."""
    whole = {n: [r for r, complete, _ in got if complete] for n, got in by_segment.items()}
    if not adapts:
        every = [r for rungs in whole.values() for r in rungs]
        rung = max(set(every), key=lambda r: (sum(r in v for v in whole.values()), r)) if every else 0
        return [rung] * count
    sequence = []
    for n in range(count):
        rungs = whole.get(n) or sequence[-1:]
        sequence.append(rungs[-1] if rungs else 0)
    return sequence


def wasted_bytes(by_segment, sequence):
    """Bytes of video segments that were not shown: given up, fetched twice, or beyond what was played."""
    wasted = 0
    for n, got in by_segment.items():
        rung = sequence[n] if n < len(sequence) else None
        sizes = [size for r, whole, size in got if whole and r == rung]
        wasted += sum(size for _, _, size in got) - (sizes[-1] if sizes else 0)
    return wasted


def qoe_lin(mbit, sequence, stall_s, startup_s):
    """weir.session/1's qoe.lin: mean over segments of q - mu * stall - |change of q|, start-up included."""
    if not sequence:
        return None
    q = [mbit[r] for r in sequence]
    changes = sum(abs(b - a) for a, b in zip(q, q[1:]))
    return (sum(q) - mbit[-1] * (stall_s + startup_s) - changes) / len(q)


def session(ladder, folder, log_lines, events, adapts):
    by_segment, total = fetched(ladder, folder, log_lines)
    count = played_segments(ladder, events)
    sequence = rung_sequence(by_segment, count, adapts)
    stall_s = stalled_s(events, events.last)
    startup = events.motion if events.motion is not None else events.last
    q = [ladder.mbit[r] for r in sequence]
    return {
        "first": events.first, "motion": events.motion, "stalls": len(events.stalls), "stall_s": stall_s,
        "mbit": sum(q) / len(q) if q else None,
        "switches": sum(a != b for a, b in zip(sequence, sequence[1:])),
        "wasted_mb": wasted_bytes(by_segment, sequence) / 1e6, "total_mb": total / 1e6,
        "qoe": qoe_lin(ladder.mbit, sequence, stall_s, startup),
        "segments": count, "sequence": sequence, "note": events.note,
    }
