// sim/live_spec.c — reading what `--live SPEC` says (sim/live.h).
#include <string.h>

#include "sim/live.h"

#define DEFAULT_WINDOW_US (30 * WEIR_SECOND_US)
#define MAX_SECONDS       (INT64_C(366) * 86400)

struct slice {
    const char *ptr;
    size_t len;
};

static bool is(struct slice s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

static bool read_seconds(struct slice s, int64_t *out_us)
{
    int64_t value = 0, scale = WEIR_SECOND_US;
    bool point = false, any = false;
    for (size_t i = 0; i < s.len; i++) {
        int digit = s.ptr[i] - '0';
        if (s.ptr[i] == '.' && !point) {
            point = true;
        } else if (digit < 0 || digit > 9) {
            return false;
        } else if (point) {
            scale /= 10;
            value += digit * scale;
            any = true;
        } else {
            value = value * 10 + digit * WEIR_SECOND_US;
            any = true;
        }
        if (value > MAX_SECONDS * WEIR_SECOND_US)
            return false;
    }
    *out_us = value;
    return any;
}

static bool read_switch(struct slice s, bool *out)
{
    *out = is(s, "on");
    return is(s, "on") || is(s, "off");
}

static const char *read_pair(struct slice key, struct slice value, struct weir_live_spec *out)
{
    if (is(key, "window"))
        return read_seconds(value, &out->window_us) && out->window_us > 0 ? NULL : "want seconds";
    if (is(key, "start"))
        return read_seconds(value, &out->start_us) ? NULL : "want seconds";
    if (is(key, "loop"))
        return read_switch(value, &out->loop) ? NULL : "want on or off";
    if (is(key, "ll"))
        return read_switch(value, &out->low_latency) ? NULL : "want on or off";
    return "unknown key; there are window, start, loop, ll";
}

int weir_live_parse(const char *text, struct weir_live_spec *out, struct weir_error *e)
{
    *out = (struct weir_live_spec){
        .window_us = DEFAULT_WINDOW_US, .start_us = WEIR_TIME_NONE, .loop = true};
    if (strcmp(text, "on") == 0)
        return 0;
    for (const char *at = text;; at++) {
        struct slice pair = {at, strcspn(at, ",")};
        const char *equals = memchr(at, '=', pair.len);
        const char *wrong = "want key=value";
        if (equals) {
            struct slice key = {at, (size_t)(equals - at)};
            wrong = read_pair(key, (struct slice){equals + 1, pair.len - key.len - 1}, out);
        }
        if (wrong)
            return weir_error_set(e, WEIR_ERR_INVAL, text, "%.*s: %s",
                                  (int)(pair.len < 80 ? pair.len : 80), pair.ptr, wrong);
        at += pair.len;
        if (!*at)
            return 0;
    }
}
