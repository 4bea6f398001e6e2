// tests/sim/fuzz_content.c — any bytes at all are a content or an error; what is a content has
// rungs in order, segments that go forward and weigh something, and is the same when it was written
// and read again.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sim/content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void check_track(const struct weir_content_track *t)
{
    check(t->segment_count > 0 && t->segment_count <= WEIR_CONTENT_MAX_SEGMENTS);
    check(t->rung_count > 0 && t->rung_count <= WEIR_CONTENT_MAX_RUNGS);
    for (size_t r = 0; r < t->rung_count; r++) {
        check(t->bitrates_bps[r] > 0);
        check(r == 0 || t->bitrates_bps[r] >= t->bitrates_bps[r - 1]);
        check(!t->init_bytes || t->init_bytes[r] >= 0);
        check(!t->index_bytes || t->index_bytes[r] >= 0);
    }
    for (int64_t i = 0; i < t->segment_count; i++)
        check(t->starts_us[i + 1] > t->starts_us[i]);
    for (size_t i = 0; i < t->rung_count * (size_t)t->segment_count; i++) {
        check(t->sizes_bytes[i] > 0);
        check(!t->vmaf || (t->vmaf[i] >= 0 && t->vmaf[i] <= 100));
    }
}

static void check_rewritten(const struct weir_content *c)
{
    json_t *doc = weir_content_json(c);
    char *text = doc ? json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    struct weir_content *back = NULL;
    struct weir_error e = {0};
    check(text != NULL);
    check(weir_content_parse(text, strlen(text), "again", &back, &e) == 0);
    check(back->hash == c->hash && back->warning_count == c->warning_count);
    weir_content_destroy(&back);
    free(text);
    json_decref(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct weir_content *c = NULL;
    struct weir_error e = {0};
    int err = weir_content_parse((const char *)data, size_bytes, "fuzz", &c, &e);
    check((err == 0) == (c != NULL));
    check(err == 0 || (e.code == err && e.what[0]));
    if (!c)
        return 0;
    check_track(&c->video);
    if (c->audio.rung_count)
        check_track(&c->audio);
    check_rewritten(c);
    weir_content_destroy(&c);
    return 0;
}
