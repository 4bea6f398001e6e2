"""A model of the peer simulator Sabre, to compare `weir sim` with: written from its published
behaviour, in its own units (milliseconds, kbit/s, bits, doubles), sharing nothing with Weir's
engine, so that the two can only agree by both being right.

    session(periods, movie, abr, flags) -> Session

`periods`: [(duration_ms, kbit/s, latency_ms)]; `movie`: Sabre's JSON; `abr`: throughput, bola,
bolae, dynamic; `flags`: a subset of {"ab", "ao", "noa"}, as Sabre's own command line has them.
"""

import math

FAST_S, SLOW_S = 3.0, 8.0


class Network:
    """Latency is work served at the latency of the period in force; then bits at its rate."""

    def __init__(self, periods):
        self.periods = periods
        self.i = 0
        self.left_ms = periods[0][0]

    def advance(self):
        self.i = (self.i + 1) % len(self.periods)
        self.left_ms = self.periods[self.i][0]

    def wait(self, ms):
        while ms > self.left_ms:
            ms -= self.left_ms
            self.advance()
        self.left_ms -= ms

    def latency(self, units=1.0):
        """Serve so many requests' worth of latency; the time it took."""
        total = 0.0
        while units > 0:
            whole = self.periods[self.i][2]
            ms = units * whole
            if ms <= self.left_ms:
                self.left_ms -= ms
                return total + ms
            total += self.left_ms
            units -= self.left_ms / whole
            self.advance()
        return total

    def bits(self, bits):
        total = 0.0
        while bits > 0:
            rate = self.periods[self.i][1]
            if bits <= self.left_ms * rate:
                ms = bits / rate
                self.left_ms -= ms
                return total + ms
            total += self.left_ms
            bits -= self.left_ms * rate
            self.advance()
        return total

    def step(self, bits, min_bits, min_ms):
        """Serve until both minima have passed, or all is there: (ms, bits served)."""
        total_ms = total_bits = 0.0
        while bits > 0 and (min_bits > 0 or min_ms > 0):
            rate = self.periods[self.i][1]
            if rate > 0:
                want = max(min_bits, min_ms * rate)
                take = min(bits, want)
                if take <= self.left_ms * rate:
                    ms = take / rate
                    self.left_ms -= ms
                    return total_ms + ms, total_bits + take
            ms = self.left_ms
            total_ms += ms
            total_bits += ms * rate
            bits -= ms * rate
            min_bits -= ms * rate
            min_ms -= ms
            self.advance()
        return total_ms, total_bits


class Estimator:
    """Two exponentially weighted means, the cautious one of them taken."""

    def __init__(self, segment_ms):
        self.rate = [[0.0, 0.0, FAST_S], [0.0, 0.0, SLOW_S]]  # mean, weight, half-life
        self.delay = [[0.0, 0.0, FAST_S * 1000 / segment_ms], [0.0, 0.0, SLOW_S * 1000 / segment_ms]]
        self.kbps = None
        self.latency_ms = None

    @staticmethod
    def feed(means, value, weight):
        outs = []
        for m in means:
            keep = math.pow(0.5, weight / m[2])
            m[0] = keep * m[0] + (1 - keep) * value
            m[1] += weight
            outs.append(m[0] / (1 - math.pow(0.5, m[1] / m[2])))
        return outs

    def add(self, ms, kbps, latency_ms):
        if ms > 0:
            self.kbps = min(self.feed(self.rate, kbps, ms / 1000))
        self.latency_ms = max(self.feed(self.delay, latency_ms, 1.0))


class Rule:
    """What the rules share. `p` is the Player they decide for."""

    def __init__(self, p, flags):
        self.p, self.flags = p, flags
        self.r, self.length = p.rates, p.segment_ms

    def rung_for(self, kbps):
        rung = 0
        while (rung + 1 < len(self.r) and
               self.p.estimator.latency_ms + self.length * self.r[rung + 1] / kbps <= self.length):
            rung += 1
        return rung

    def insufficient_buffer(self, rung):
        bits = self.safety * (self.p.level() - self.p.estimator.latency_ms) * self.p.estimator.kbps
        self.safety = max(0.5, self.safety * 0.9)
        for j in range(rung):
            if self.r[j + 1] * self.length > bits:
                return j
        return rung

    def full_wait(self, ms):
        pass

    def downloaded(self, rung, ms, abandoned_to):
        pass

    def abandon(self, t, level):
        return None


class Throughput(Rule):
    def __init__(self, p, flags):
        super().__init__(p, flags)
        self.safety = 0.9

    def decide(self, i):
        return self.insufficient_buffer(self.rung_for(0.9 * self.p.estimator.kbps)), 0.0

    def abandon(self, t, level):
        if t.ms < 500 or t.done <= 0 or t.ms <= t.first_ms:
            return None
        kbps = t.done / (t.ms - t.first_ms)
        left = t.bits - t.done
        if t.ms + left / kbps <= 1.8 * self.length:
            return None
        rung = self.rung_for(0.9 * kbps)
        if rung < t.rung and t.bits * self.r[rung] / self.r[t.rung] < left:
            return rung
        return None


class Bola(Rule):
    def __init__(self, p, flags):
        super().__init__(p, flags)
        self.u = [math.log(r) - math.log(self.r[0]) for r in self.r]
        self.gp, self.last = 5.0, 0
        self.vp = (p.capacity_ms - self.length) / (self.u[-1] + self.gp)

    def score(self, j, level, bits):
        return (self.vp * (self.u[j] + self.gp) - level) / bits

    def decide(self, i):
        p = self.p
        if "ab" not in self.flags:
            t = max(min(i, p.count - i) / 2, 3) * self.length
            self.vp = (min(p.capacity_ms, t) - self.length) / (self.u[-1] + self.gp)
        level, pause = p.level(), 0.0
        rung = max(range(len(self.r)), key=lambda j: (self.score(j, level, self.r[j]), -j))
        if rung > self.last:
            carried = self.rung_for(p.estimator.kbps)
            if carried < rung:
                if carried < self.last:
                    rung = self.last
                elif "ao" in self.flags:
                    rung = carried
                    if rung + 1 < len(self.r):
                        pause = max(0.0, level - self.vp * (self.gp + self.u[rung]))
                else:
                    rung = carried + 1
        self.last = rung
        return rung, pause

    def abandon(self, t, level):
        left = t.bits - t.done
        if "ab" in self.flags or t.done <= 0 or left <= 0:
            return None
        best, to = self.score(t.rung, level, left), None
        if best < 0:
            return None
        for a in range(t.rung):
            bits = t.bits * self.r[a] / self.r[t.rung]
            score = self.score(a, level, bits)
            if bits < left and score > best:
                best, to = score, a
        if to is not None:
            self.last = to
        return to


class BolaE(Rule):
    def __init__(self, p, flags):
        super().__init__(p, flags)
        self.v = [math.log(r) + (1 - math.log(self.r[0])) for r in self.r]
        target_ms = max(p.capacity_ms, 10000 + 2000 * len(self.r))
        self.gp = (self.v[-1] - 1) / (target_ms / 10000 - 1)
        self.vp = 10000 / self.gp
        self.placeholder, self.started, self.last, self.safety = 0.0, False, 0, 0.9
        self.minimum = [self.min_level(j) for j in range(len(self.r))]

    def max_level(self, j):
        return self.vp * (self.v[j] + self.gp)

    def min_level(self, j):
        level = 0.0
        for a in range(j):
            if self.r[a] < self.r[j]:
                level = max(level, self.vp * (self.gp + (self.r[j] * self.v[a] - self.r[a] * self.v[j]) /
                                              (self.r[j] - self.r[a])))
        return level

    def score(self, j, level, bits):
        return (self.vp * (self.v[j] + self.gp) - level) / bits

    def decide(self, i):
        p, level = self.p, self.p.level()
        if not self.started:
            self.started = True
            rung = self.rung_for(p.estimator.kbps)
            self.placeholder = max(0.0, self.minimum[rung] - level)
            return rung, 0.0
        both = level + self.placeholder
        rung = max(range(len(self.r)), key=lambda j: (self.score(j, both, self.r[j]), -j))
        carried = self.rung_for(p.estimator.kbps)
        if rung > self.last and rung > carried:
            rung = max(self.last, carried) + (0 if "ao" in self.flags else 1)
        pause = level + self.placeholder - self.max_level(rung)
        if pause > 0:
            taken = min(pause, self.placeholder)
            self.placeholder -= taken
            pause -= taken
        else:
            pause = 0.0
        if rung == len(self.r) - 1:
            pause = 0.0
        allowed = self.insufficient_buffer(rung)
        if allowed < rung:
            rung, pause = allowed, 0.0
            self.placeholder = min(self.placeholder, max(0.0, self.minimum[rung] - level))
        return rung, pause

    def full_wait(self, ms):
        self.placeholder += ms

    def downloaded(self, rung, ms, abandoned_to):
        self.last = rung
        level = self.p.level()
        if abandoned_to is not None:
            floor = self.minimum[abandoned_to] if abandoned_to > 0 else 10000.0
            self.placeholder = min(self.placeholder, max(0.0, floor - level))
            return
        before = level + ms
        self.placeholder = min(self.placeholder, max(0.0, self.max_level(rung) - before))
        if level > 0:
            self.placeholder = max(self.placeholder, self.minimum[rung] - before)

    def abandon(self, t, level):
        left = t.bits - t.done
        if t.done <= 0 or left <= 0 or t.ms <= t.first_ms:
            return None
        level = max(0.0, level + self.placeholder - t.first_ms)
        left -= t.first_ms * t.done / (t.ms - t.first_ms)
        if left <= 0:
            return None
        best, to = self.score(t.rung, level, left), None
        for a in range(t.rung):
            bits = t.bits * self.r[a] / self.r[t.rung]
            score = self.score(a, level, bits)
            if bits < left and score > best:
                best, to = score, a
        return to


class Dynamic(Rule):
    def __init__(self, p, flags):
        super().__init__(p, flags)
        self.bola, self.throughput = Bola(p, flags), Throughput(p, flags)
        self.in_bola = False

    def decide(self, i):
        level = self.p.level()
        b, t = self.bola.decide(i), self.throughput.decide(i)
        if self.in_bola and level < 10000 and b[0] < t[0]:
            self.in_bola = False
        elif not self.in_bola and level > 10000 and b[0] >= t[0]:
            self.in_bola = True
        return b if self.in_bola else t

    def abandon(self, t, level):
        return self.throughput.abandon(t, level)


RULES = {"throughput": Throughput, "bola": Bola, "bolae": BolaE, "dynamic": Dynamic}


class Transfer:
    def __init__(self, rung, bits, first_ms):
        self.rung, self.bits, self.first_ms = rung, bits, first_ms
        self.ms, self.done = first_ms, 0.0


class Player:
    def __init__(self, periods, movie, abr, flags, capacity_ms, repaired):
        self.net = Network(periods)
        self.segment_ms = movie["segment_duration_ms"]
        self.rates = movie["bitrates_kbps"]
        self.sizes = movie["segment_sizes_bits"]
        self.count = len(self.sizes)
        self.capacity_ms, self.repaired = capacity_ms, repaired
        self.estimator = Estimator(self.segment_ms)
        self.rule = RULES[abr](self, flags)
        self.abandons = "noa" not in flags
        self.buffer, self.played_ms = [], 0.0  # rungs; played part of the head
        self.total_ms = self.stall_ms = self.utility = self.bitrate = self.change = 0.0
        self.stalls, self.last_played, self.ramp_ms = 0, None, None
        self.decisions, self.levels, self.abandoned = [], [], 0

    def level(self):
        return self.segment_ms * len(self.buffer) - self.played_ms

    def sustainable(self):
        _, kbps, latency = self.net.periods[self.net.i]
        limit, rung = kbps * (1 - latency / self.segment_ms), 0
        while rung + 1 < len(self.rates) and self.rates[rung + 1] <= limit:
            rung += 1
        return rung

    def credit(self, rung):
        self.utility += math.log(self.rates[rung] / self.rates[0])
        self.bitrate += self.rates[rung]
        if self.last_played is not None:
            self.change += abs(self.rates[rung] - self.rates[self.last_played])
        self.last_played = rung
        if self.ramp_ms is None and rung >= self.sustainable():
            self.ramp_ms = self.total_ms

    def drain(self, ms):
        if not self.buffer:
            self.stall_ms += ms
            self.total_ms += ms
            return
        if self.played_ms > 0:
            if ms + self.played_ms < self.segment_ms:
                self.played_ms += ms
                self.total_ms += ms
                return
            ms -= self.segment_ms - self.played_ms
            self.total_ms += self.segment_ms - self.played_ms
            self.buffer.pop(0)
            self.played_ms = 0.0
        while ms > 0 and self.buffer:
            self.credit(self.buffer[0])
            if ms >= self.segment_ms:
                self.buffer.pop(0)
                self.total_ms += self.segment_ms
                ms -= self.segment_ms
            else:
                self.played_ms = ms
                self.total_ms += ms
                ms = 0.0
        if ms > 0:
            self.stall_ms += ms
            self.total_ms += ms
            self.stalls += ms > 1e-3

    def fetch(self, rung, bits, check):
        """-> (transfer, rung to abandon to or None)"""
        t = Transfer(rung, bits, self.net.latency())
        if not check or rung == 0:
            t.ms += self.net.bits(bits)
            t.done = bits
            return t, None
        min_ms = max(0.0, 50.0 - t.first_ms)
        while True:
            ms, got = self.net.step(bits - t.done, 12000.0, min_ms)
            t.ms += ms
            t.done += got
            if t.done >= bits:
                return t, None
            min_ms = 50.0
            to = self.rule.abandon(t, max(0.0, self.level() - t.ms))
            if to is not None:
                return t, to

    def sample(self, t):
        ms = t.ms - t.first_ms
        self.estimator.add(ms, t.bits / ms if ms > 0 else 0.0, t.first_ms)

    def run(self):
        t, _ = self.fetch(0, self.sizes[0][0], False)
        self.total_ms = t.ms
        self.buffer.append(0)
        self.decisions.append(0)
        self.levels.append(0.0)
        self.sample(t)
        i, retry = 1, None
        while i < self.count:
            full = self.level() + self.segment_ms - self.capacity_ms
            if full > 0:
                self.drain(full)
                self.net.wait(full)
                self.rule.full_wait(full)
            if retry is not None:
                rung, pause, retry = retry, 0.0, None
            else:
                rung, pause = self.rule.decide(i)
            level = self.level()
            if pause > 0:
                self.drain(pause)
                self.net.wait(pause)
            t, to = self.fetch(rung, self.sizes[i][rung], self.abandons)
            self.drain(t.ms)
            if to is None:
                self.buffer.append(rung)
                self.decisions.append(rung)
                self.levels.append(level)
                i += 1
            else:
                self.abandoned += 1
                retry = to if self.repaired else None
            self.rule.downloaded(rung, t.ms, to)
            if to is None:
                self.sample(t)
        self.drain(self.level())


def session(periods, movie, abr, flags, capacity_ms=25000, repaired=False):
    """Play it; what Sabre reports, under the names of its columns."""
    p = Player(periods, movie, abr, flags, capacity_ms, repaired)
    p.run()
    segments = p.total_ms / p.segment_ms
    return {
        "played_utility": p.utility,
        "avg_bitrate_kbps": p.bitrate / segments,
        "rebuffer_s": p.stall_ms / 1000,
        "rebuffer_events": p.stalls,
        "avg_switch_kbps": p.change / segments,
        "time_avg_score": (p.utility - 5 * p.stall_ms / p.segment_ms) / segments,
        "startup_or_rampup_s": (p.count * p.segment_ms if p.ramp_ms is None else p.ramp_ms) / 1000,
        "decisions": p.decisions,
        "levels_s": [x / 1000 for x in p.levels],
        "abandoned": p.abandoned,
        "total_s": p.total_ms / 1000,
    }


def sabre_periods(intervals):
    """From a Sabre trace's JSON."""
    return [(x["duration_ms"], x["bandwidth_kbps"], x["latency_ms"]) for x in intervals]


def cooked_periods(text):
    """From "seconds Mbit/s" rows: a row holds for the time that ends at it; row 0 sets the origin.
    Times are taken to the microsecond, as Weir reads them."""
    rows = [[float(x) for x in line.split()[:2]] for line in text.splitlines() if line.strip()]
    us = [round(row[0] * 1e6) for row in rows]
    return [((us[k] - us[k - 1]) / 1000, rows[k][1] * 1000, 0.0) for k in range(1, len(rows))
            if us[k] > us[k - 1]]
