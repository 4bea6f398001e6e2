#!/usr/bin/env python3
"""package_dash.py LAYOUT FRAGMENTS OUTDIR: the DASH packagings that ffmpeg's muxer cannot write.

Called by make_ladder.sh. FRAGMENTS holds v0.mp4 … and a0.mp4 …: fragmented MP4, a moof per key
frame or per second. LAYOUT is `number`, `list`, `sidx` (one file per rung, indexed),
`multiperiod` or `uneven`. No sample is touched: fragments are grouped into segments, indexed, and
for sound in later periods their tfdt is shifted.
"""
import os
import struct
import sys
from fractions import Fraction


def boxes(data, start=0, end=None):
    """(type, offset, header size, size) of each box in data[start:end]."""
    pos, end = start, len(data) if end is None else end
    while pos + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, pos)
        header = 8
        if size == 1:
            size, header = struct.unpack_from(">Q", data, pos + 8)[0], 16
        elif size == 0:
            size = end - pos
        yield kind.decode("latin-1"), pos, header, size
        pos += size


def find(data, path, start=0, end=None):
    """Offset and size of the body of the first box on `path`, e.g. "moov/trak/mdia/mdhd"."""
    head, _, rest = path.partition("/")
    for kind, pos, header, size in boxes(data, start, end):
        if kind == head:
            if rest:
                return find(data, rest, pos + header, pos + size)
            return pos + header, size - header
    raise SystemExit(f"package_dash.py: no {path} box")


class Fragment:
    """One moof and its mdat: bytes, first decode time and duration in ticks."""

    def __init__(self, data, start, size):
        self.data = bytearray(data[start:start + size])
        body, _ = find(self.data, "moof/traf/tfdt")
        self.tfdt_at = body + 4
        if self.data[body] != 1:
            raise SystemExit("package_dash.py: want 64-bit tfdt")
        self.decode_time = struct.unpack_from(">Q", self.data, self.tfdt_at)[0]
        self.duration = self.sample_durations()

    def sample_durations(self):
        body, _ = find(self.data, "moof/traf/tfhd")
        flags = struct.unpack_from(">I", self.data, body)[0] & 0xFFFFFF
        at = body + 8 + 8 * (flags & 1) + 4 * (flags >> 1 & 1)
        default = struct.unpack_from(">I", self.data, at)[0] if flags & 8 else 0
        body, _ = find(self.data, "moof/traf/trun")
        flags, count = struct.unpack_from(">II", self.data, body)
        flags &= 0xFFFFFF
        if not flags & 0x100:
            return default * count
        at = body + 8 + 4 * (flags & 1) + 4 * (flags >> 2 & 1)
        step = 4 * bin(flags & 0xF00).count("1")
        return sum(struct.unpack_from(">I", self.data, at + i * step)[0] for i in range(count))

    def shifted(self, ticks):
        data = bytearray(self.data)
        struct.pack_into(">Q", data, self.tfdt_at, self.decode_time - ticks)
        return data


class Rung:
    """A fragmented file: its init segment and fragments, and what a manifest says about it."""

    def __init__(self, path):
        data = open(path, "rb").read()
        self.name = os.path.basename(path)[:-4]
        self.video = self.name[0] == "v"
        moov = next(pos + size for kind, pos, _, size in boxes(data) if kind == "moov")
        self.init = data[:moov]
        self.fragments = []
        for kind, pos, _, size in boxes(data):
            if kind == "moof":
                mdat = struct.unpack_from(">I", data, pos + size)[0]
                self.fragments.append(Fragment(data, pos, size + mdat))
        body, _ = find(data, "moov/trak/mdia/mdhd")
        self.timescale = struct.unpack_from(">I", data, body + (20 if data[body] else 12))[0]
        # Decode times count from the priming or reordering delay that the edit list takes away.
        body, _ = find(data, "moov/trak/edts/elst")
        self.delay = self.edit_start(data, body)
        self.duration = sum(f.duration for f in self.fragments)
        if not self.video:
            self.duration -= self.delay
        size = sum(len(f.data) for f in self.fragments)
        self.bandwidth = int(size * 8 * self.timescale / self.duration)
        if self.video:
            body, _ = find(data, "moov/trak/tkhd")
            at = body + (88 if data[body] else 76)
            self.width, self.height = (v >> 16 for v in struct.unpack_from(">II", data, at))
            avcc = data.index(b"avcC") + 4
            self.codecs = "avc1." + data[avcc + 1:avcc + 4].hex()
        else:
            self.codecs = "mp4a.40.2"

    @staticmethod
    def edit_start(data, body):
        version, count = data[body], struct.unpack_from(">I", data, body + 4)[0]
        at = body + 8
        for _ in range(count):
            if version:
                media_time = struct.unpack_from(">q", data, at + 8)[0]
            else:
                media_time = struct.unpack_from(">i", data, at + 4)[0]
            if media_time >= 0:
                return media_time
            at += 20 if version else 12
        return 0

    def start_of(self, fragment):
        """Where a fragment starts once the edit list has been applied. A first fragment with
        priming starts at 0, not before."""
        if self.video:
            return fragment.decode_time
        return max(0, fragment.decode_time - self.delay)

    def segments(self, lengths):
        """Fragments grouped into segments of lengths[0], lengths[1], … (repeating) fragments."""
        at, turn = 0, 0
        while at < len(self.fragments):
            group = self.fragments[at:at + lengths[turn % len(lengths)]]
            at += len(group)
            turn += 1
            yield group

    def segment_times(self, groups):
        """(start, duration) in ticks of each group, without gaps."""
        starts = [self.start_of(g[0]) for g in groups] + [self.duration]
        return [(a, b - a) for a, b in zip(starts, starts[1:])]

    def attributes(self):
        common = f'id="{self.name}" codecs="{self.codecs}" bandwidth="{self.bandwidth}"'
        if self.video:
            return f'{common} width="{self.width}" height="{self.height}" frameRate="25"'
        return f'{common} audioSamplingRate="48000"'


def iso(seconds):
    return f"PT{float(seconds):.6f}S"


def mpd(duration, periods):
    return ('<?xml version="1.0" encoding="utf-8"?>\n'
            '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" minBufferTime="PT4S"\n'
            '     profiles="urn:mpeg:dash:profile:isoff-live:2011"\n'
            f'     mediaPresentationDuration="{iso(duration)}">\n{"".join(periods)}</MPD>\n')


def adaptation_set(rungs, index, representation):
    kind = "video" if rungs[0].video else "audio"
    extra = "" if rungs[0].video else ' lang="en"'
    inner = "".join(representation(r) for r in rungs)
    return (f'    <AdaptationSet id="{index}" contentType="{kind}" mimeType="{kind}/mp4"{extra}\n'
            f'        segmentAlignment="true" startWithSAP="1">\n{inner}    </AdaptationSet>\n')


def sets(rungs, representation):
    video = [r for r in rungs if r.video]
    audio = [r for r in rungs if not r.video]
    return adaptation_set(video, 0, representation) + adaptation_set(audio, 1, representation)


def timeline(times):
    lines = []
    for i, (start, duration) in enumerate(times):
        t = f' t="{start}"' if i == 0 else ""
        lines.append(f'            <S{t} d="{duration}"/>\n')
    return "".join(lines)


def sidx_box(rung, groups, times):
    """One index over the whole file (ISO/IEC 14496-12, 8.16.3), version 1."""
    entries = b""
    for group, (_, duration) in zip(groups, times):
        size = sum(len(f.data) for f in group)
        entries += struct.pack(">III", size, duration, 1 << 31 | 1 << 28)
    body = struct.pack(">IIIQQHH", 1 << 24, 1, rung.timescale, times[0][0], 0, 0, len(groups))
    body += entries
    return struct.pack(">I4s", 8 + len(body), b"sidx") + body


def package_sidx(rungs, out, total):
    def representation(rung):
        groups = list(rung.segments(two_seconds(rung)))
        index = sidx_box(rung, groups, rung.segment_times(groups))
        with open(os.path.join(out, rung.name + ".mp4"), "wb") as f:
            f.write(rung.init + index)
            for group in groups:
                for fragment in group:
                    f.write(fragment.data)
        first = len(rung.init)
        return (f'      <Representation {rung.attributes()}>\n'
                f'        <BaseURL>{rung.name}.mp4</BaseURL>\n'
                f'        <SegmentBase timescale="{rung.timescale}" '
                f'indexRange="{first}-{first + len(index) - 1}">\n'
                f'          <Initialization range="0-{first - 1}"/>\n'
                f'        </SegmentBase>\n      </Representation>\n')

    return mpd(total, [f'  <Period id="0">\n{sets(rungs, representation)}  </Period>\n'])


def write_init(rung, out, prefix):
    with open(os.path.join(out, f"{prefix}-init.mp4"), "wb") as f:
        f.write(rung.init)


def write_segments(rung, groups, out, prefix, shift=0):
    for number, group in enumerate(groups, 1):
        with open(os.path.join(out, f"{prefix}-{number}.m4s"), "wb") as f:
            for fragment in group:
                f.write(fragment.shifted(shift))


# Key frames lie at 0, 2, 3.2, 4, 6 and 7.6 s of every 8, sound is cut once a second: these are the
# numbers of fragments that make segments of 2 s.
def two_seconds(rung):
    return [1, 2, 1, 2] if rung.video else [2]


def package_number(rungs, out, total):
    def representation(rung):
        write_segments(rung, rung.segments(two_seconds(rung)), out, rung.name)
        write_init(rung, out, rung.name)
        return (f'      <Representation {rung.attributes()}>\n'
                f'        <SegmentTemplate timescale="{rung.timescale}" '
                f'duration="{2 * rung.timescale}" startNumber="1"\n'
                f'            initialization="$RepresentationID$-init.mp4" '
                f'media="$RepresentationID$-$Number$.m4s"/>\n'
                f'      </Representation>\n')

    return mpd(total, [f'  <Period id="0">\n{sets(rungs, representation)}  </Period>\n'])


def package_list(rungs, out, total):
    def representation(rung):
        groups = list(rung.segments(two_seconds(rung)))
        write_segments(rung, groups, out, rung.name)
        write_init(rung, out, rung.name)
        urls = "".join(f'          <SegmentURL media="{rung.name}-{i + 1}.m4s"/>\n'
                       for i in range(len(groups)))
        return (f'      <Representation {rung.attributes()}>\n'
                f'        <SegmentList timescale="{rung.timescale}" '
                f'duration="{2 * rung.timescale}">\n'
                f'          <Initialization sourceURL="{rung.name}-init.mp4"/>\n{urls}'
                f'        </SegmentList>\n      </Representation>\n')

    return mpd(total, [f'  <Period id="0">\n{sets(rungs, representation)}  </Period>\n'])


def package_uneven(rungs, out, total):
    def representation(rung):
        # Segments of 2, 1.2, 2.8, 1.6 and 0.4 s, again and again.
        groups = list(rung.segments([1, 1, 2, 1, 1] if rung.video else [3, 1, 2]))
        times = rung.segment_times(groups)
        write_segments(rung, groups, out, rung.name)
        write_init(rung, out, rung.name)
        return (f'      <Representation {rung.attributes()}>\n'
                f'        <SegmentTemplate timescale="{rung.timescale}" startNumber="1"\n'
                f'            initialization="{rung.name}-init.mp4" media="{rung.name}-$Number$.m4s">\n'
                f'          <SegmentTimeline>\n{timeline(times)}          </SegmentTimeline>\n'
                f'        </SegmentTemplate>\n      </Representation>\n')

    return mpd(total, [f'  <Period id="0">\n{sets(rungs, representation)}  </Period>\n'])


def package_multiperiod(rungs, out, total):
    """Periods that begin at multiples of 8 s, where key frames and AAC frames fall together.
    From the second on, pictures keep their times (@presentationTimeOffset) and sound starts again
    at 0 (tfdt shifted): both ways that real content does it."""
    count = min(3, -(-int(total) // 8))
    bounds = [Fraction(8 * i) for i in range(count)] + [total]
    periods = []
    for k, (begin, end) in enumerate(zip(bounds, bounds[1:])):
        def representation(rung):
            start = int(begin * rung.timescale)
            stop = int(end * rung.timescale)
            fragments = [f for f in rung.fragments if start <= rung.start_of(f) < stop]
            groups = [[f] for f in fragments]
            shift = 0 if rung.video else start
            times = [(rung.start_of(f) - shift, f.duration) for f in fragments]
            if k == 0 and not rung.video:
                times[0] = (0, times[0][1] - rung.delay)
            prefix = f"p{k}-{rung.name}"
            write_segments(rung, groups, out, prefix, shift)
            write_init(rung, out, prefix)
            offset = f' presentationTimeOffset="{start}"' if rung.video and start else ""
            return (f'      <Representation {rung.attributes()}>\n'
                    f'        <SegmentTemplate timescale="{rung.timescale}" startNumber="1"{offset}\n'
                    f'            initialization="{prefix}-init.mp4" media="{prefix}-$Number$.m4s">\n'
                    f'          <SegmentTimeline>\n{timeline(times)}          </SegmentTimeline>\n'
                    f'        </SegmentTemplate>\n      </Representation>\n')

        periods.append(f'  <Period id="{k}" start="{iso(begin)}" duration="{iso(end - begin)}">\n'
                       f'{sets(rungs, representation)}  </Period>\n')
    return mpd(total, periods)


LAYOUTS = {"number": package_number, "list": package_list, "sidx": package_sidx,
           "multiperiod": package_multiperiod, "uneven": package_uneven}


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in LAYOUTS:
        raise SystemExit(__doc__)
    layout, source, out = sys.argv[1:]
    names = sorted(n for n in os.listdir(source) if n.endswith(".mp4"))
    rungs = [Rung(os.path.join(source, n)) for n in names]
    total = max(Fraction(r.duration, r.timescale) for r in rungs if r.video)
    with open(os.path.join(out, "manifest.mpd"), "w", encoding="utf-8") as f:
        f.write(LAYOUTS[layout](rungs, out, total))


if __name__ == "__main__":
    main()
