// tests/sim/fuzz_trace_write.c — whatever reads as a trace can be written in a format (the first
// byte says which) and reads back: as long, and offering as much.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "sim/trace_stats.h"
#include "sim/trace_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void compare(const struct weir_trace *a, const struct weir_trace *b,
                    enum weir_trace_format f)
{
    double bits_a = weir_trace_mean_bps(a) * (double)weir_trace_period_us(a) / 1e6;
    double bits_b = weir_trace_mean_bps(b) * (double)weir_trace_period_us(b) / 1e6;
    if (f == WEIR_TRACE_MAHIMAHI) {
        check(llabs(weir_trace_period_us(a) - weir_trace_period_us(b)) <= 1000);
        check(fabs(bits_a - bits_b) <= 12000.0 + bits_a * 1e-9);
    } else {
        check(weir_trace_period_us(a) == weir_trace_period_us(b));
        check(fabs(bits_a - bits_b) <= bits_a * 1e-9);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct weir_trace *t = NULL, *again = NULL;
    if (size_bytes < 1 ||
        weir_trace_parse((const char *)data + 1, size_bytes - 1, "fuzz", &t, NULL) != 0)
        return 0;
    enum weir_trace_format f = (enum weir_trace_format)(data[0] % 4);
    struct weir_trace_stats s;
    check(weir_trace_measure(t, 0, &s) == 0);
    check(s.min_bps <= s.max_bps && isfinite(s.std_bps) && s.zero_share < 1);
    char *text = NULL;
    size_t text_bytes = 0;
    int err = weir_trace_text(t, f, WEIR_TIME_NONE, &text, &text_bytes, NULL);
    check(err == 0 ||
          (f == WEIR_TRACE_MAHIMAHI && (err == WEIR_ERR_UNSUPPORTED || err == WEIR_ERR_TOO_BIG)));
    if (!err) {
        check(weir_trace_parse(text, text_bytes, "again", &again, NULL) == 0);
        check(weir_trace_format(again) == f);
        compare(t, again, f);
    }
    free(text);
    weir_trace_destroy(&again);
    weir_trace_destroy(&t);
    return 0;
}
