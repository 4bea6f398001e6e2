// tests/player/media.c — see media.h.
#include "tests/player/player_test.h"

#include <stdio.h>
#include <unistd.h>

#include "core/url.h"
#include "tests/player/media.h"

bool media_is_there(void)
{
    if (!access(MEDIA_FOLDER "/dash-number/manifest.mpd", R_OK))
        return true;
    (void)printf("skipped: no test media in %s (scripts/make_ladder.sh --small)\n", MEDIA_FOLDER);
    return false;
}

static uint8_t *read_all(const char *path, size_t *size_bytes)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s cannot be read", path);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *size_bytes = (size_t)ftell(f);
    rewind(f);
    uint8_t *data = malloc(*size_bytes + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size_bytes, f), *size_bytes);
    (void)fclose(f);
    return data;
}

uint8_t *media_file(const char *name, size_t *size_bytes)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", MEDIA_FOLDER, name);
    return read_all(path, size_bytes);
}

struct weir_presentation *media_presentation(const char *manifest)
{
    size_t size;
    char path[1024], url[WEIR_URL_MAX_BYTES];
    struct weir_presentation *p = NULL;
    struct weir_error error = {0};
    uint8_t *text = media_file(manifest, &size);
    (void)snprintf(path, sizeof(path), "%s/%s", MEDIA_FOLDER, manifest);
    assert_true(weir_url_from_path(path, url, sizeof(url)) > 0);
    struct weir_manifest_input in = {.data = text,
                                     .size_bytes = size,
                                     .url = url,
                                     .allow_file_urls = true,
                                     .wall_clock_us = WEIR_TIME_NONE};
    assert_int_equal(weir_presentation_parse(&in, &p, &error), 0);
    free(text);
    return p;
}

static uint8_t *read_url(const char *url, size_t *size_bytes)
{
    assert_int_equal(strncmp(url, "file:///", 8), 0);
    return read_all(url + 7, size_bytes); // the build folder's name needs no escapes
}

uint8_t *media_bytes(const struct weir_representation *rep, int64_t index, size_t *size_bytes)
{
    char url[WEIR_URL_MAX_BYTES];
    assert_true(weir_index_url(rep, index, 0, url, sizeof(url)) > 0);
    return read_url(url, size_bytes);
}

static struct weir_segment *init_of(struct weir_segment_pool *pool,
                                    const struct weir_representation *rep,
                                    const struct weir_init *init)
{
    char url[WEIR_URL_MAX_BYTES];
    size_t size;
    assert_true(weir_init_url(rep, init, 0, url, sizeof(url)) > 0);
    uint8_t *data = read_url(url, &size);
    struct weir_segment *s = weir_segment_create(pool, size);
    assert_non_null(s);
    assert_int_equal(weir_segment_append(s, data, size), 0);
    weir_segment_finish(s, WEIR_SEGMENT_COMPLETE);
    free(data);
    return s;
}

struct weir_media_unit media_unit(struct weir_segment_pool *pool,
                                  const struct weir_representation *rep, int64_t index,
                                  uint64_t serial)
{
    struct weir_segment_info info;
    assert_int_equal(weir_index_segment(rep, index, &info), 0);
    struct weir_segment *media = weir_segment_create(pool, 0);
    assert_non_null(media);
    return (struct weir_media_unit){.media = media,
                                    .init = init_of(pool, rep, info.init),
                                    .serial = serial,
                                    .number = info.number,
                                    .start_us = info.start_us,
                                    .duration_us = info.duration_us,
                                    .timing_exact = info.timing_exact,
                                    .origin_us = info.origin_us,
                                    .offset_ticks = info.offset_ticks,
                                    .offset_timescale = info.offset_timescale,
                                    .discontinuity_sequence = info.discontinuity_sequence,
                                    .clip_start_us = info.clip_start_us,
                                    .clip_end_us = info.clip_end_us};
}
