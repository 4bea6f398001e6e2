// sim/fault.c — reading fault specs and deciding about requests (sim/fault.h). A chance is drawn
// from the spec's seed and the number of the match alone, so nothing else moves it.
#include "sim/fault.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_CODE     503
#define DEFAULT_RATE_BPS 16000
#define DEFAULT_BYTES    16
// Bounds on values: what arithmetic below and in the server takes without overflow.
#define MAX_COUNT   INT64_C(1000000000000000)
#define MAX_SECONDS 86400

static const char *const names[] = {
    [WEIR_FAULT_NONE] = "none",       [WEIR_FAULT_STATUS] = "status",
    [WEIR_FAULT_RESET] = "reset",     [WEIR_FAULT_TRUNCATE] = "truncate",
    [WEIR_FAULT_STALL] = "stall",     [WEIR_FAULT_SLOW] = "slow",
    [WEIR_FAULT_CORRUPT] = "corrupt", [WEIR_FAULT_REFUSE] = "refuse",
};
#define KINDS (sizeof(names) / sizeof(names[0]))

const char *weir_fault_name(enum weir_fault_kind kind)
{
    return names[kind];
}

// --- reading ---

struct slice {
    const char *ptr;
    size_t len;
};

static bool is(struct slice s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

static bool read_integer(struct slice s, int64_t min, int64_t max, int64_t *out)
{
    int64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        int digit = s.ptr[i] - '0';
        if (digit < 0 || digit > 9 || value > (INT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return s.len > 0 && value >= min && value <= max;
}

// A decimal fraction in millionths, without the locale; digits beyond the sixth must be there for
// nothing.
static bool read_millionths(struct slice s, int64_t max, int64_t *out)
{
    const char *dot = memchr(s.ptr, '.', s.len);
    struct slice whole = {s.ptr, dot ? (size_t)(dot - s.ptr) : s.len};
    int64_t value = 0, scale = 1000000;
    if (whole.len > 0 && !read_integer(whole, 0, MAX_SECONDS, &value))
        return false;
    value *= scale;
    size_t digits = whole.len;
    for (size_t i = whole.len + 1; i < s.len; i++, digits++) {
        int digit = s.ptr[i] - '0';
        if (digit < 0 || digit > 9)
            return false;
        scale /= 10;
        value += digit * scale;
    }
    *out = value;
    return digits > 0 && value <= max;
}

static bool read_match(struct slice s, struct weir_fault_spec *out)
{
    if (s.len == 0 || s.len >= sizeof(out->match))
        return false;
    memcpy(out->match, s.ptr, s.len);
    out->match[s.len] = '\0';
    return true;
}

static unsigned kinds(unsigned a, unsigned b, unsigned c, unsigned d)
{
    return 1U << a | 1U << b | 1U << c | 1U << d;
}

// One key=value. The message where it is wrong, else NULL.
static const char *read_pair(struct slice key, struct slice value, struct weir_fault_spec *out)
{
    int64_t n = 0;
    unsigned kind = 1U << out->kind;
    if (is(key, "match"))
        return read_match(value, out) ? NULL : "want a pattern of 1 to 255 bytes";
    if (is(key, "from"))
        return read_integer(value, 1, MAX_COUNT, &out->from) ? NULL : "want a number from 1";
    if (is(key, "every"))
        return read_integer(value, 1, MAX_COUNT, &out->every) ? NULL : "want a number from 1";
    if (is(key, "count"))
        return read_integer(value, 1, MAX_COUNT, &out->count) ? NULL : "want a number from 1";
    if (is(key, "seed")) {
        if (!read_integer(value, 0, INT64_MAX, &n))
            return "want a number from 0";
        out->seed = (uint64_t)n;
        return NULL;
    }
    if (is(key, "p")) {
        if (!read_millionths(value, 1000000, &n))
            return "want a chance from 0 to 1";
        out->p = (double)n / 1e6;
        return NULL;
    }
    if (is(key, "code")) {
        if (out->kind != WEIR_FAULT_STATUS)
            return "goes with status alone";
        if (!read_integer(value, 400, 599, &n))
            return "want a status from 400 to 599";
        out->code = (int)n;
        return NULL;
    }
    if (is(key, "at")) {
        if (!(kind &
              (kinds(WEIR_FAULT_RESET, WEIR_FAULT_TRUNCATE, WEIR_FAULT_STALL, WEIR_FAULT_SLOW) |
               1U << WEIR_FAULT_CORRUPT)))
            return "goes with reset, truncate, stall, slow and corrupt alone";
        return read_integer(value, 0, MAX_COUNT, &out->at_bytes) ? NULL : "want a number of bytes";
    }
    if (is(key, "for")) {
        if (out->kind != WEIR_FAULT_STALL)
            return "goes with stall alone";
        return read_millionths(value, INT64_C(1000000) * MAX_SECONDS, &out->for_us)
                   ? NULL
                   : "want a number of seconds";
    }
    if (is(key, "rate")) {
        if (out->kind != WEIR_FAULT_SLOW)
            return "goes with slow alone";
        return read_integer(value, 8, INT64_C(1000000000000), &out->rate_bps)
                   ? NULL
                   : "want bits per second, 8 or more";
    }
    if (is(key, "bytes")) {
        if (out->kind != WEIR_FAULT_CORRUPT)
            return "goes with corrupt alone";
        return read_integer(value, 1, MAX_COUNT, &out->bytes) ? NULL : "want a number from 1";
    }
    return "unknown key; there are match, from, every, count, p, seed, code, at, for, rate, bytes";
}

static int refuse(struct weir_error *e, const char *text, struct slice part, const char *what)
{
    return weir_error_set(e, WEIR_ERR_INVAL, text, "%.*s: %s", (int)(part.len < 80 ? part.len : 80),
                          part.ptr, what);
}

int weir_fault_parse(const char *text, struct weir_fault_spec *out, struct weir_error *e)
{
    struct slice kind = {text, strcspn(text, ":")};
    *out = (struct weir_fault_spec){.from = 1,
                                    .every = 1,
                                    .count = INT64_MAX,
                                    .p = 1.0,
                                    .code = DEFAULT_CODE,
                                    .at_bytes = -1,
                                    .for_us = INT64_MAX,
                                    .rate_bps = DEFAULT_RATE_BPS,
                                    .bytes = DEFAULT_BYTES};
    for (size_t i = 1; i < KINDS; i++) {
        if (is(kind, names[i]))
            out->kind = (enum weir_fault_kind)i;
    }
    if (out->kind == WEIR_FAULT_NONE)
        return refuse(e, text, kind,
                      "unknown fault; there are status, reset, truncate, stall, slow, corrupt, "
                      "refuse");
    for (const char *at = kind.ptr + kind.len; *at;) {
        at++; // the colon, or a comma
        struct slice pair = {at, strcspn(at, ",")};
        const char *equals = memchr(at, '=', pair.len);
        if (!equals)
            return refuse(e, text, pair, "want key=value");
        struct slice key = {at, (size_t)(equals - at)};
        struct slice value = {equals + 1, pair.len - key.len - 1};
        const char *wrong = read_pair(key, value, out);
        if (wrong)
            return refuse(e, text, pair, wrong);
        at += pair.len;
    }
    return 0;
}

// --- matching ---

// One of a set "[a-z]" or "[!a-z]" whose '[' is at *glob; *glob moves behind it. An unclosed set is
// a plain '['.
static bool match_set(const char **glob, char c)
{
    const char *at = *glob + 1;
    bool negated = *at == '!' || *at == '^';
    at += negated;
    const char *first = at;
    bool found = false;
    while (*at && (*at != ']' || at == first)) {
        char low = *at++, high = low;
        if (at[0] == '-' && at[1] && at[1] != ']') {
            high = at[1];
            at += 2;
        }
        found = found || (c >= low && c <= high);
    }
    if (!*at) {
        ++*glob;
        return c == '[';
    }
    *glob = at + 1;
    return found != negated;
}

// `glob` up to `end` against the whole text; time at most their product.
static bool match_glob(const char *glob, const char *end, const char *text)
{
    const char *star = NULL, *star_text = NULL;
    while (*text) {
        const char *next = glob + 1;
        bool step = glob < end;
        if (step && *glob == '*') {
            star = glob++;
            star_text = text;
            continue;
        }
        if (step && *glob == '[') {
            next = glob;
            step = match_set(&next, *text);
        } else if (step) {
            step = *glob == '?' || *glob == *text;
        }
        if (step) {
            glob = next;
            text++;
        } else if (star) {
            glob = star + 1;
            text = ++star_text;
        } else {
            return false;
        }
    }
    while (glob < end && *glob == '*')
        glob++;
    return glob == end;
}

bool weir_fault_matches(const struct weir_fault_spec *spec, const char *path)
{
    if (!spec->match[0])
        return true;
    for (const char *glob = spec->match;; glob++) {
        const char *end = glob + strcspn(glob, "|");
        if (match_glob(glob, end, path))
            return true;
        for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
            if (match_glob(glob, end, at + 1))
                return true;
        }
        if (!*end)
            return false;
        glob = end;
    }
}

// --- deciding ---

int weir_faults_add(struct weir_faults *f, const struct weir_fault_spec *spec)
{
    if (f->count >= WEIR_FAULTS_MAX)
        return WEIR_ERR_TOO_BIG;
    f->specs[f->count++] = *spec;
    return 0;
}

void weir_faults_reset(struct weir_faults *f)
{
    memset(f->matched, 0, sizeof(f->matched));
    memset(f->struck, 0, sizeof(f->struck));
}

// splitmix64's finaliser: neighbours in, unrelated numbers out.
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static double chance(const struct weir_fault_spec *spec, int64_t request)
{
    return (double)(mix(mix(spec->seed) ^ (uint64_t)request) >> 11) * 0x1p-53;
}

struct weir_fault weir_faults_next(struct weir_faults *f, const char *path)
{
    struct weir_fault fault = {.kind = WEIR_FAULT_NONE};
    for (size_t i = 0; i < f->count; i++) {
        const struct weir_fault_spec *spec = &f->specs[i];
        if (!weir_fault_matches(spec, path))
            continue;
        int64_t n = ++f->matched[i];
        bool strikes = n >= spec->from && (n - spec->from) % spec->every == 0 &&
                       f->struck[i] < spec->count && chance(spec, n) < spec->p;
        if (!strikes || fault.kind != WEIR_FAULT_NONE)
            continue;
        f->struck[i]++;
        fault = (struct weir_fault){.kind = spec->kind, .spec = *spec, .request = n};
    }
    return fault;
}

int64_t weir_fault_at(const struct weir_fault *fault, int64_t length)
{
    int64_t at = fault->spec.at_bytes;
    if (at < 0)
        at = fault->kind == WEIR_FAULT_SLOW ? 0 : length / 2;
    return at < length ? at : length;
}

int64_t weir_fault_body_bytes(const struct weir_fault *fault, int64_t length)
{
    if (fault->kind == WEIR_FAULT_RESET || fault->kind == WEIR_FAULT_TRUNCATE)
        return weir_fault_at(fault, length);
    return fault->kind == WEIR_FAULT_REFUSE ? 0 : length;
}

void weir_fault_corrupt(const struct weir_fault *fault, int64_t length, int64_t offset,
                        uint8_t *data, size_t size)
{
    if (fault->kind != WEIR_FAULT_CORRUPT)
        return;
    int64_t first = weir_fault_at(fault, length);
    int64_t end = fault->spec.bytes < length - first ? first + fault->spec.bytes : length;
    uint64_t key = mix(mix(fault->spec.seed) ^ (uint64_t)fault->request);
    int64_t from = first > offset ? first : offset;
    int64_t to = end < offset + (int64_t)size ? end : offset + (int64_t)size;
    for (int64_t i = from; i < to; i++)
        data[i - offset] ^= (uint8_t)(mix(key ^ (uint64_t)i) | 1); // never the same byte
}
