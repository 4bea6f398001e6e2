// tests/sim/fuzz_trace.c — any bytes at all are a trace or an error; what is a trace offers bits,
// more of them the later it is, and never a number that is none.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "sim/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void check(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct weir_trace *t = NULL;
    struct weir_error e = {0};
    int err = weir_trace_parse((const char *)data, size_bytes, "fuzz", &t, &e);
    check((err == 0) == (t != NULL));
    check(err == 0 || (e.code == err && e.what[0]));
    if (!t)
        return 0;
    int64_t period_us = weir_trace_period_us(t);
    check(period_us > 0 && weir_trace_mean_bps(t) > 0 && isfinite(weir_trace_mean_bps(t)));
    double before = 0;
    for (int i = 0; i <= 8; i++) {
        double bits = weir_trace_bits_until(t, period_us / 3 * i);
        // The first bits of a cycle come after the last of the one before, but for rounding.
        check(isfinite(bits) && bits >= before - 1.0 - before * 1e-12);
        before = bits;
        (void)weir_trace_latency_us(t, period_us / 3 * i);
    }
    weir_trace_destroy(&t);
    return 0;
}
