// tests/sim/optimum_case.c — contents and traces as the text that Sabre's would be, read by Weir.
#include "optimum_case.h"

#include <stdio.h>
#include <stdlib.h>

#define ROOM 65536

static double between(struct weir_rng *r, double low, double high)
{
    return low + weir_rng_unit(r) * (high - low);
}

static size_t put_content(struct weir_rng *r, size_t segments, size_t rungs, double *top_kbps,
                          char *text)
{
    size_t used = 0;
    int duration_ms = 1000 * (1 + (int)weir_rng_below(r, 4)) + (int)weir_rng_below(r, 3);
    double kbps[8] = {0};
    used += (size_t)snprintf(text, ROOM, "{\"segment_duration_ms\":%d,\"bitrates_kbps\":[",
                             duration_ms);
    for (size_t k = 0; k < rungs; k++) {
        kbps[k] = k ? (double)(int)(kbps[k - 1] * between(r, 1.2, 2.5))
                    : (double)(200 + (int)weir_rng_below(r, 300));
        used += (size_t)snprintf(text + used, ROOM - used, "%s%.0f", k ? "," : "", kbps[k]);
    }
    used += (size_t)snprintf(text + used, ROOM - used, "],\"segment_sizes_bits\":[");
    for (size_t i = 0; i < segments; i++) {
        used += (size_t)snprintf(text + used, ROOM - used, "%s[", i ? "," : "");
        double scene = between(r, 0.3, 1.9);
        for (size_t k = 0; k < rungs; k++) {
            double bits = kbps[k] * duration_ms * scene * between(r, 0.7, 1.4);
            used += (size_t)snprintf(text + used, ROOM - used, "%s%lld", k ? "," : "",
                                     8 * (long long)(bits / 8 + 1));
        }
        used += (size_t)snprintf(text + used, ROOM - used, "]");
    }
    used += (size_t)snprintf(text + used, ROOM - used, "]}");
    *top_kbps = kbps[rungs - 1];
    return used;
}

static size_t put_trace(struct weir_rng *r, double top_kbps, double scale, char *text)
{
    size_t used = 1, count = 1 + (size_t)weir_rng_below(r, 12);
    double load = between(r, 0.2, 1.6);
    bool steady_latency = weir_rng_below(r, 2) == 0;
    double latency_ms = (double)weir_rng_below(r, 4) * 40;
    text[0] = '[';
    for (size_t i = 0; i < count; i++) {
        bool outage = i > 0 && weir_rng_below(r, 5) == 0;
        double rate = outage ? 0 : top_kbps * load * between(r, 0.1, 1.5);
        if (!steady_latency)
            latency_ms = (double)weir_rng_below(r, 6) * 60;
        used +=
            (size_t)snprintf(text + used, ROOM - used,
                             "%s{\"duration_ms\":%d,\"bandwidth_kbps\":%.6f,\"latency_ms\":%.0f}",
                             i ? "," : "", 200 + (int)weir_rng_below(r, 6000),
                             (double)(int)(rate + 1 - outage) * scale, latency_ms);
    }
    text[used++] = ']';
    text[used] = 0;
    return used;
}

bool optimum_case_make(struct optimum_case *c, uint64_t seed, size_t segments, size_t rungs,
                       double scale)
{
    *c = (struct optimum_case){.params = weir_optimum_params_default()};
    char *text = malloc(ROOM);
    if (!text)
        return false;
    struct weir_rng r;
    struct weir_error e = {0};
    double top_kbps;
    weir_rng_seed(&r, seed);
    size_t used = put_content(&r, segments, rungs, &top_kbps, text);
    int err = weir_content_parse(text, used, "random content", &c->content, &e);
    used = put_trace(&r, top_kbps, scale, text);
    if (!err)
        err = weir_trace_parse(text, used, "random trace", &c->trace, &e);
    free(text);
    if (err) {
        (void)fprintf(stderr, "seed %llu: %s: %s\n", (unsigned long long)seed, e.where, e.what);
        optimum_case_free(c);
        return false;
    }
    int64_t duration_us = c->content->video.starts_us[1];
    c->params.buffer_max_us = (int64_t)((double)duration_us * between(&r, 1.1, 6));
    c->params.metric = weir_rng_below(&r, 2) ? WEIR_OPTIMUM_LIN : WEIR_OPTIMUM_LOG;
    c->params.link.offset_us = weir_rng_below(&r, 3) ? 0 : (int64_t)weir_rng_below(&r, 20000000);
    return true;
}

void optimum_case_free(struct optimum_case *c)
{
    weir_content_destroy(&c->content);
    weir_trace_destroy(&c->trace);
}
