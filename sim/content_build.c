// sim/content_build.c — a content under construction: memory, the checks that all formats share,
// the order of the rungs, the hash.
#include "sim/content_build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

int weir_content_build_create(const char *where, struct weir_error *e,
                              struct weir_content_build **out)
{
    struct weir_content_build *b = calloc(1, sizeof(*b));
    *out = b;
    if (!b)
        return weir_error_set(e, WEIR_ERR_NOMEM, where, "memory ran out");
    weir_arena_init(&b->arena, 0);
    b->where = where;
    b->error = e;
    char *name = weir_arena_strdup(&b->arena, where);
    if (name)
        weir_text_clean(name); // it goes into JSON and tables
    b->content.name = name;
    b->warnings = weir_arena_array(&b->arena, WEIR_CONTENT_MAX_WARNINGS, sizeof(*b->warnings));
    b->content.warnings = b->warnings;
    if (b->content.name && b->warnings)
        return 0;
    weir_content_build_destroy(out);
    return weir_error_set(e, WEIR_ERR_NOMEM, where, "memory ran out");
}

void weir_content_build_destroy(struct weir_content_build **b)
{
    if (!*b)
        return;
    weir_arena_clear(&(*b)->arena);
    free(*b);
    *b = NULL;
}

int weir_content_fail(struct weir_content_build *b, int code, int64_t segment, size_t rung,
                      const char *what)
{
    return weir_error_set(b->error, code, b->where, "segment %lld, rung %zu: %s",
                          (long long)segment, rung, what);
}

void weir_content_warn(struct weir_content_build *b, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    weir_text_vformat(line, sizeof(line), fmt, args);
    va_end(args);
    char *kept = b->content.warning_count < WEIR_CONTENT_MAX_WARNINGS
                     ? weir_arena_strdup(&b->arena, line)
                     : NULL;
    if (kept)
        b->warnings[b->content.warning_count++] = kept;
}

struct weir_content_tables *weir_content_tables(struct weir_content_build *b,
                                                const struct weir_content_track *track)
{
    return track == &b->content.video ? &b->video : &b->audio;
}

int weir_content_track_make(struct weir_content_build *b, struct weir_content_track *track,
                            int64_t segments, size_t rungs, bool fetches, bool vmaf)
{
    if (segments < 1)
        return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where, "the content has no segments");
    if (rungs < 1)
        return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where, "the content has no rungs");
    if (segments > WEIR_CONTENT_MAX_SEGMENTS)
        return weir_error_set(b->error, WEIR_ERR_TOO_BIG, b->where, "more than %d segments",
                              WEIR_CONTENT_MAX_SEGMENTS);
    if (rungs > WEIR_CONTENT_MAX_RUNGS)
        return weir_error_set(b->error, WEIR_ERR_TOO_BIG, b->where, "more than %d rungs",
                              WEIR_CONTENT_MAX_RUNGS);
    struct weir_content_tables *t = weir_content_tables(b, track);
    size_t cells = (size_t)segments * rungs;
    t->bitrates_bps = weir_arena_array(&b->arena, rungs, sizeof(int64_t));
    t->starts_us = weir_arena_array(&b->arena, (size_t)segments + 1, sizeof(int64_t));
    t->sizes_bytes = weir_arena_array(&b->arena, cells, sizeof(int64_t));
    t->init_bytes = fetches ? weir_arena_array(&b->arena, rungs, sizeof(int64_t)) : NULL;
    t->index_bytes = fetches ? weir_arena_array(&b->arena, rungs, sizeof(int64_t)) : NULL;
    t->vmaf = vmaf ? weir_arena_array(&b->arena, cells, sizeof(float)) : NULL;
    if (!t->bitrates_bps || !t->starts_us || !t->sizes_bytes || (vmaf && !t->vmaf) ||
        (fetches && (!t->init_bytes || !t->index_bytes)))
        return weir_error_set(b->error, WEIR_ERR_NOMEM, b->where, "memory ran out");
    *track = (struct weir_content_track){.rung_count = rungs,
                                         .segment_count = segments,
                                         .bitrates_bps = t->bitrates_bps,
                                         .starts_us = t->starts_us,
                                         .sizes_bytes = t->sizes_bytes,
                                         .vmaf = t->vmaf,
                                         .init_bytes = t->init_bytes,
                                         .index_bytes = t->index_bytes};
    return 0;
}

void weir_content_set_duration(struct weir_content_build *b, struct weir_content_track *track,
                               double duration_us)
{
    struct weir_content_tables *t = weir_content_tables(b, track);
    // A length out of bounds makes the first segment empty or too long, which finish() reports.
    if (!(duration_us > 0))
        duration_us = 0;
    if (duration_us > (double)WEIR_CONTENT_MAX_DURATION_US)
        duration_us = (double)WEIR_CONTENT_MAX_DURATION_US;
    for (int64_t i = 0; i <= track->segment_count; i++)
        t->starts_us[i] = (int64_t)llround((double)i * duration_us);
}

static int check_rungs(struct weir_content_build *b, const struct weir_content_track *track)
{
    for (size_t r = 0; r < track->rung_count; r++) {
        int64_t bps = track->bitrates_bps[r];
        if (bps <= 0)
            return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where,
                                  "rung %zu: the bitrate is not above 0", r);
        if (bps > WEIR_CONTENT_MAX_BPS)
            return weir_error_set(b->error, WEIR_ERR_TOO_BIG, b->where,
                                  "rung %zu: the bitrate is above 1 Tbit/s", r);
        int64_t init = track->init_bytes ? track->init_bytes[r] : 0;
        int64_t index = track->index_bytes ? track->index_bytes[r] : 0;
        if (init < 0 || index < 0 || init > WEIR_CONTENT_MAX_SEGMENT_BYTES ||
            index > WEIR_CONTENT_MAX_SEGMENT_BYTES)
            return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where,
                                  "rung %zu: the size of its init segment or index is negative or "
                                  "above 1 TiB",
                                  r);
    }
    return 0;
}

static int check_cell(struct weir_content_build *b, const struct weir_content_track *track,
                      int64_t segment, size_t rung)
{
    size_t cell = (size_t)segment * track->rung_count + rung;
    int64_t bytes = track->sizes_bytes[cell];
    if (bytes <= 0)
        return weir_content_fail(b, WEIR_ERR_SYNTAX, segment, rung, "the size is not above 0");
    if (bytes > WEIR_CONTENT_MAX_SEGMENT_BYTES)
        return weir_content_fail(b, WEIR_ERR_TOO_BIG, segment, rung, "the size is above 1 TiB");
    if (track->vmaf && !(track->vmaf[cell] >= 0 && track->vmaf[cell] <= 100))
        return weir_content_fail(b, WEIR_ERR_SYNTAX, segment, rung,
                                 "the VMAF is not between 0 and 100");
    return 0;
}

static int check_segments(struct weir_content_build *b, const struct weir_content_track *track)
{
    for (int64_t i = 0; i < track->segment_count; i++) {
        if (track->starts_us[i + 1] <= track->starts_us[i])
            return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where,
                                  "segment %lld: the duration is not above 0", (long long)i);
        if (track->starts_us[i + 1] > WEIR_CONTENT_MAX_DURATION_US)
            return weir_error_set(b->error, WEIR_ERR_TOO_BIG, b->where,
                                  "segment %lld: the content is longer than a year", (long long)i);
        for (size_t r = 0; r < track->rung_count; r++) {
            int err = check_cell(b, track, i, r);
            if (err)
                return err;
        }
    }
    return 0;
}

static void exchange(int64_t *table, size_t a, size_t b)
{
    if (!table)
        return;
    int64_t kept = table[a];
    table[a] = table[b];
    table[b] = kept;
}

static void exchange_rungs(struct weir_content_tables *t, const struct weir_content_track *track,
                           size_t a, size_t b)
{
    exchange(t->bitrates_bps, a, b);
    exchange(t->init_bytes, a, b);
    exchange(t->index_bytes, a, b);
    for (int64_t i = 0; i < track->segment_count; i++) {
        size_t row = (size_t)i * track->rung_count;
        exchange(t->sizes_bytes, row + a, row + b);
        if (t->vmaf) {
            float kept = t->vmaf[row + a];
            t->vmaf[row + a] = t->vmaf[row + b];
            t->vmaf[row + b] = kept;
        }
    }
}

// By rising bitrate, equal ones in the order they were given: insertion, as files are nearly always
// in order.
static void sort_rungs(struct weir_content_tables *t, const struct weir_content_track *track)
{
    for (size_t i = 1; i < track->rung_count; i++)
        for (size_t k = i; k > 0 && t->bitrates_bps[k] < t->bitrates_bps[k - 1]; k--)
            exchange_rungs(t, track, k, k - 1);
}

// FNV-1a over numbers as eight bytes, lowest first, so that it is the same on any machine.
static uint64_t hash_number(uint64_t hash, uint64_t number)
{
    for (int i = 0; i < 8; i++) {
        hash ^= (number >> (8 * i)) & 0xff;
        hash *= UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t hash_table(uint64_t hash, const int64_t *table, size_t count)
{
    hash = hash_number(hash, table != NULL);
    for (size_t i = 0; table && i < count; i++)
        hash = hash_number(hash, (uint64_t)table[i]);
    return hash;
}

static uint64_t hash_track(uint64_t hash, const struct weir_content_track *track)
{
    size_t rungs = track->rung_count, cells = rungs * (size_t)track->segment_count;
    hash = hash_number(hash, rungs);
    hash = hash_number(hash, (uint64_t)track->segment_count);
    hash = hash_table(hash, track->bitrates_bps, rungs);
    hash = hash_table(hash, track->starts_us, rungs ? (size_t)track->segment_count + 1 : 0);
    hash = hash_table(hash, track->sizes_bytes, cells);
    hash = hash_table(hash, track->init_bytes, rungs);
    hash = hash_table(hash, track->index_bytes, rungs);
    hash = hash_number(hash, track->vmaf != NULL);
    for (size_t i = 0; track->vmaf && i < cells; i++) {
        uint32_t bits;
        memcpy(&bits, &track->vmaf[i], sizeof(bits));
        hash = hash_number(hash, bits);
    }
    return hash;
}

// Check every value, put the rungs in order, compute the hash.
static int finish(struct weir_content_build *b)
{
    struct weir_content *c = &b->content;
    if (c->video.rung_count == 0)
        return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where, "the content has no rungs");
    struct weir_content_track *tracks[] = {&c->video, &c->audio};
    for (size_t i = 0; i < 2; i++) {
        if (tracks[i]->rung_count == 0)
            continue;
        int err = check_rungs(b, tracks[i]);
        if (!err)
            err = check_segments(b, tracks[i]);
        if (err)
            return err;
        sort_rungs(weir_content_tables(b, tracks[i]), tracks[i]);
    }
    if (c->manifest_bytes < 0 || c->manifest_bytes > WEIR_CONTENT_MAX_SEGMENT_BYTES)
        return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where,
                              "the manifest's size is negative or above 1 TiB");
    uint64_t hash = hash_number(UINT64_C(0xcbf29ce484222325), (uint64_t)c->manifest_bytes);
    hash = hash_track(hash, &c->video);
    c->hash = hash_track(hash, &c->audio);
    return 0;
}

int weir_content_build_end(struct weir_content_build **b, int err, struct weir_content **out)
{
    if (!err)
        err = finish(*b);
    if (err) {
        weir_content_build_destroy(b);
        return err;
    }
    (*b)->where = NULL;
    (*b)->error = NULL;
    *out = &(*b)->content;
    return 0;
}
