// tests/sim/test_link_random.c — the virtual link on seeded random traces and requests: against
// Sabre's and Pensieve's downloads written down step by step (reference 17, 18), the trace's own
// account of bits, itself with time cut differently, and its oracle.
#include "cmocka_all.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/rng.h"
#include "sim/link.h"

#define ROUNDS      300
#define MAX_PERIODS 3000
#define MAX_EVENTS  64

struct random_trace {
    size_t count;
    double duration_ms[MAX_PERIODS], kbps[MAX_PERIODS], latency_ms[MAX_PERIODS];
    struct weir_trace *trace;
};

static double between(struct weir_rng *r, double low, double high)
{
    return low + weir_rng_unit(r) * (high - low);
}

// Whole milliseconds, some rates 0; no two periods alike, which the trace would make one. One in
// four is dense, as Mahimahi's are.
static void make_trace(struct weir_rng *r, struct random_trace *t)
{
    static char text[MAX_PERIODS * 128];
    bool dense = weir_rng_below(r, 4) == 0;
    double longest_ms = dense ? 4 : 3000;
    size_t used = 1;
    text[0] = '[';
    t->count = 1 + (size_t)weir_rng_below(r, dense ? MAX_PERIODS : 40);
    for (size_t i = 0; i < t->count; i++) {
        bool zero = i > 0 && weir_rng_below(r, 6) == 0;
        t->duration_ms[i] = 1 + floor(weir_rng_unit(r) * weir_rng_unit(r) * longest_ms);
        t->kbps[i] = zero ? 0 : 100 + floor(between(r, 0, 9000));
        t->latency_ms[i] = (double)weir_rng_below(r, 5) * 30 + (double)i / 64;
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used,
                             "%s{\"duration_ms\":%.0f,\"bandwidth_kbps\":%.0f,\"latency_ms\":%.6f}",
                             i ? "," : "", t->duration_ms[i], t->kbps[i], t->latency_ms[i]);
    }
    text[used++] = ']';
    struct weir_error e = {0};
    if (weir_trace_parse(text, used, "random", &t->trace, &e) != 0)
        fail_msg("%s", e.what);
}

static void expect_near(uint64_t seed, const char *what, double got, double want, double within)
{
    if (!(fabs(got - want) <= within))
        fail_msg("seed %llu: %s: %.9f, not %.9f", (unsigned long long)seed, what, got, want);
}

// Sabre's network: the period in force and what is left of it.
struct sabre {
    const struct random_trace *t;
    size_t at;
    double left_ms, now_ms;
};

static void sabre_next(struct sabre *s)
{
    s->now_ms += s->left_ms;
    s->at = (s->at + 1) % s->t->count;
    s->left_ms = s->t->duration_ms[s->at];
}

static void sabre_spend(struct sabre *s, double ms)
{
    s->now_ms += ms;
    s->left_ms -= ms;
}

static double sabre_download(struct sabre *s, double bits)
{
    double units = 1;
    // A latency as the trace's reader keeps it, in whole microseconds.
    for (double ms; ms = round(s->t->latency_ms[s->at] * 1000) / 1000, units * ms > s->left_ms;) {
        units -= s->left_ms / ms;
        sabre_next(s);
    }
    sabre_spend(s, units * round(s->t->latency_ms[s->at] * 1000) / 1000);
    while (bits > s->left_ms * s->t->kbps[s->at]) {
        bits -= s->left_ms * s->t->kbps[s->at];
        sabre_next(s);
    }
    sabre_spend(s, bits / s->t->kbps[s->at]);
    return s->now_ms * 1000;
}

static void sabre_pause(struct sabre *s, double ms)
{
    while (ms > s->left_ms) {
        ms -= s->left_ms;
        sabre_next(s);
    }
    sabre_spend(s, ms);
}

static void fluid_downloads_as_sabre_does(void **state)
{
    struct weir_link *l = *state;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct weir_rng r;
        struct random_trace t;
        weir_rng_seed(&r, seed);
        make_trace(&r, &t);
        struct sabre s = {.t = &t, .left_ms = t.duration_ms[0]};
        struct weir_link_params p = {WEIR_LINK_FLUID, WEIR_TIME_NONE, 0};
        weir_link_reset(l, t.trace, &p);
        for (uint64_t i = 0; i < 20; i++) {
            struct weir_link_event e;
            int64_t bytes = 1 + (int64_t)weir_rng_below(&r, 800000);
            assert_int_equal(weir_link_start(l, i, bytes, 0), 0);
            assert_true(weir_link_advance(l, 1e12, &e));
            expect_near(seed, "done", e.at_us, sabre_download(&s, (double)bytes * 8), 1e-4);
            double pause_ms = (double)weir_rng_below(&r, 3) * between(&r, 0, 2000);
            assert_false(weir_link_advance(l, e.at_us + pause_ms * 1000, &e));
            sabre_pause(&s, pause_ms);
        }
        weir_trace_destroy(&t.trace);
    }
}

// Pensieve's download: bytes, seconds, a clock within the file.
struct pensieve {
    const struct random_trace *t;
    size_t at;
    double used_s; // of the row at hand
};

static double pensieve_download(struct pensieve *s, double bytes)
{
    double delay_s = 0;
    for (;;) {
        double rate = s->t->kbps[s->at] * 1000 / 8 * 0.95;
        double left_s = s->t->duration_ms[s->at] / 1000 - s->used_s;
        if (bytes < rate * left_s) {
            s->used_s += bytes / rate;
            return delay_s + bytes / rate + 0.08;
        }
        bytes -= rate * left_s;
        delay_s += left_s;
        s->at = (s->at + 1) % s->t->count;
        s->used_s = 0;
    }
}

static void pensieve_downloads_as_pensieve_does(void **state)
{
    struct weir_link *l = *state;
    for (uint64_t seed = 1000; seed < 1000 + ROUNDS; seed++) {
        struct weir_rng r;
        struct random_trace t;
        weir_rng_seed(&r, seed);
        make_trace(&r, &t);
        struct pensieve s = {.t = &t};
        struct weir_link_params p = {WEIR_LINK_PENSIEVE, 80000, 0};
        weir_link_reset(l, t.trace, &p);
        double now_us = 0;
        for (uint64_t i = 0; i < 20; i++) {
            struct weir_link_event e;
            int64_t bytes = 1 + (int64_t)weir_rng_below(&r, 800000);
            assert_int_equal(weir_link_start(l, i, bytes, 0), 0);
            assert_true(weir_link_advance(l, 1e12, &e));
            now_us += pensieve_download(&s, (double)bytes) * 1e6;
            expect_near(seed, "done", e.at_us, now_us, 1e-3);
        }
        weir_trace_destroy(&t.trace);
    }
}

// A schedule of requests, cancellations and marks at random times, played with time cut into
// `cuts` random pieces between any two. Returns the number of events.
struct log {
    size_t count;
    struct weir_link_event events[MAX_EVENTS];
    double bytes; // delivered in all
};

static void advance(struct weir_link *l, double until_us, int cuts, struct weir_rng *cutting,
                    struct log *log)
{
    for (int i = cuts; i >= 0; i--) {
        double to_us = until_us;
        if (i > 0)
            to_us = between(cutting, weir_link_now_us(l), until_us);
        struct weir_link_event e;
        while (weir_link_advance(l, to_us, &e)) {
            assert_true(log->count < MAX_EVENTS);
            log->events[log->count++] = e;
            if (e.kind == WEIR_LINK_DONE)
                log->bytes += (double)e.bytes;
        }
        assert_true(weir_link_now_us(l) == to_us);
    }
}

static double in_flight_bytes(const struct weir_link *l)
{
    double bytes = 0;
    for (uint64_t id = 0; id < 16; id++)
        bytes += (double)weir_link_bytes(l, id);
    return bytes;
}

static void play(struct weir_link *l, const struct random_trace *t, enum weir_link_kind kind,
                 uint64_t seed, int cuts, struct log *log)
{
    struct weir_rng r, cutting;
    weir_rng_seed(&r, seed);
    weir_rng_seed(&cutting, seed + 1);
    struct weir_link_params p = {kind, WEIR_TIME_NONE, (int64_t)weir_rng_below(&r, 5000000)};
    weir_link_reset(l, t->trace, &p);
    *log = (struct log){0};
    for (uint64_t id = 0; id < 16; id++) {
        assert_int_equal(
            weir_link_start(l, id, 1 + (int64_t)weir_rng_below(&r, 500000), (int)(id % 3)), 0);
        if (weir_rng_below(&r, 2))
            weir_link_mark(l, id, (int64_t)weir_rng_below(&r, 500000));
        uint64_t cancelled = weir_rng_below(&r, 60);
        log->bytes += (double)weir_link_bytes(l, cancelled);
        weir_link_cancel(l, cancelled);
        double until_us = weir_link_now_us(l) + (double)weir_rng_below(&r, 3) * between(&r, 0, 3e5);
        advance(l, until_us, cuts, &cutting, log);
        // No more has arrived than the trace offered.
        int64_t end_us = p.offset_us + (int64_t)ceil(until_us);
        double offered =
            weir_trace_bits_until(t->trace, end_us) - weir_trace_bits_until(t->trace, p.offset_us);
        if (!(8 * (log->bytes + in_flight_bytes(l)) <= offered * (1 + 1e-9) + 16))
            fail_msg("seed %llu: %.0f bits arrived of %.0f offered", (unsigned long long)seed,
                     8 * (log->bytes + in_flight_bytes(l)), offered);
    }
    advance(l, 9e7, cuts, &cutting, log);
}

static void time_cut_differently_gives_the_same_events(void **state)
{
    struct weir_link *l = *state;
    for (uint64_t seed = 2000; seed < 2000 + ROUNDS; seed++) {
        struct weir_rng r;
        struct random_trace t;
        struct log whole, cut;
        weir_rng_seed(&r, seed);
        make_trace(&r, &t);
        enum weir_link_kind kind = (enum weir_link_kind)(seed % 3);
        play(l, &t, kind, seed, 0, &whole);
        play(l, &t, kind, seed, 7, &cut);
        if (whole.count != cut.count)
            fail_msg("seed %llu: %zu events, not %zu", (unsigned long long)seed, cut.count,
                     whole.count);
        for (size_t i = 0; i < cut.count; i++) {
            const struct weir_link_event *a = &cut.events[i], *b = &whole.events[i];
            expect_near(seed, "id", (double)a->id, (double)b->id, 0);
            expect_near(seed, "kind", a->kind, b->kind, 0);
            expect_near(seed, "bytes", (double)a->bytes, (double)b->bytes, 0);
            expect_near(seed, "time", a->at_us, b->at_us, 1e-6);
            expect_near(seed, "first byte", a->first_byte_us, b->first_byte_us, 1e-6);
        }
        weir_trace_destroy(&t.trace);
    }
}

// While something always flows, fluid wastes nothing.
static void fluid_delivers_all_that_is_offered(void **state)
{
    struct weir_link *l = *state;
    for (uint64_t seed = 3000; seed < 3000 + ROUNDS; seed++) {
        struct weir_rng r;
        struct random_trace t;
        struct log log = {0};
        weir_rng_seed(&r, seed);
        make_trace(&r, &t);
        struct weir_link_params p = {WEIR_LINK_FLUID, 0, 0};
        weir_link_reset(l, t.trace, &p);
        for (uint64_t id = 0; id < 16; id++) {
            int64_t bytes = id ? 1 + (int64_t)weir_rng_below(&r, 300000) : INT64_C(1) << 40;
            assert_int_equal(weir_link_start(l, id, bytes, 0), 0);
            double until_us = floor(weir_link_now_us(l) + between(&r, 0, 1e6));
            advance(l, until_us, 0, &r, &log);
            expect_near(seed, "bits", 8 * (log.bytes + in_flight_bytes(l)),
                        weir_trace_bits_until(t.trace, (int64_t)until_us), 8 * 16);
        }
        weir_trace_destroy(&t.trace);
    }
}

static void the_oracle_tells_what_then_happens(void **state)
{
    struct weir_link *l = *state;
    for (uint64_t seed = 4000; seed < 4000 + ROUNDS; seed++) {
        struct weir_rng r;
        struct random_trace t;
        weir_rng_seed(&r, seed);
        make_trace(&r, &t);
        bool own = weir_rng_below(&r, 2);
        struct weir_link_params p = {(enum weir_link_kind)(seed % 3),
                                     own ? WEIR_TIME_NONE : (int64_t)weir_rng_below(&r, 200000),
                                     (int64_t)weir_rng_below(&r, 5000000)};
        weir_link_reset(l, t.trace, &p);
        for (uint64_t i = 0; i < 20; i++) {
            struct weir_link_event e;
            double at_us =
                weir_link_now_us(l) + (double)weir_rng_below(&r, 3) * between(&r, 0, 1e6);
            int64_t bytes = 1 + (int64_t)weir_rng_below(&r, 800000);
            double want_us = weir_link_oracle_us(l, at_us, bytes);
            assert_false(weir_link_advance(l, at_us, &e));
            assert_int_equal(weir_link_start(l, i, bytes, 5), 0);
            assert_true(weir_link_advance(l, 1e12, &e));
            expect_near(seed, "done", e.at_us, want_us, 1e-6);
        }
        weir_trace_destroy(&t.trace);
    }
}

static int setup(void **state)
{
    return weir_link_create((struct weir_link **)state);
}

static int teardown(void **state)
{
    weir_link_destroy((struct weir_link **)state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fluid_downloads_as_sabre_does),
        cmocka_unit_test(pensieve_downloads_as_pensieve_does),
        cmocka_unit_test(time_cut_differently_gives_the_same_events),
        cmocka_unit_test(fluid_delivers_all_that_is_offered),
        cmocka_unit_test(the_oracle_tells_what_then_happens),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
