// sim/content_sabre.c — reads Sabre's movie JSON: segment_duration_ms, bitrates_kbps[],
// segment_sizes_bits[segment][rung]. Rungs in any order; declared bitrates are what the file says.
#include <math.h>

#include "sim/content_build.h"

static int fail(struct weir_content_build *b, const char *what)
{
    return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where, "%s", what);
}

// Sizes are bytes everywhere in Weir; bits that are no whole number of bytes are rounded up, as
// nothing less than the last byte would carry them. (In the movies in common use all divide by 8.)
static int64_t bytes_of_bits(double bits)
{
    if (!(bits > 0))
        return 0; // refused by weir_content_build_end()
    if (bits > 16.0 * (double)WEIR_CONTENT_MAX_SEGMENT_BYTES)
        return INT64_MAX;
    return (int64_t)ceil(bits / 8.0);
}

static int read_rates(struct weir_content_build *b, const json_t *rates)
{
    for (size_t r = 0; r < b->content.video.rung_count; r++) {
        const json_t *rate = json_array_get(rates, r);
        if (!json_is_number(rate))
            return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where,
                                  "bitrates_kbps[%zu] is not a number", r);
        double bps = json_number_value(rate) * 1000.0;
        if (!(bps <= 2.0 * (double)WEIR_CONTENT_MAX_BPS))
            bps = 2.0 * (double)WEIR_CONTENT_MAX_BPS; // refused by weir_content_build_end()
        b->video.bitrates_bps[r] = bps > 0 ? (int64_t)llround(bps) : 0;
    }
    return 0;
}

static int read_row(struct weir_content_build *b, int64_t segment, const json_t *row)
{
    size_t rungs = b->content.video.rung_count, got = json_array_size(row);
    if (!json_is_array(row))
        return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where,
                              "segment %lld: its sizes are not an array", (long long)segment);
    if (got < rungs)
        return weir_content_fail(b, WEIR_ERR_SYNTAX, segment, got, "the size is missing");
    if (got > rungs)
        return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where,
                              "segment %lld: %zu sizes for %zu rungs", (long long)segment, got,
                              rungs);
    for (size_t r = 0; r < rungs; r++) {
        const json_t *size = json_array_get(row, r);
        if (!json_is_number(size))
            return weir_content_fail(b, WEIR_ERR_SYNTAX, segment, r, "the size is not a number");
        b->video.sizes_bytes[(size_t)segment * rungs + r] = bytes_of_bits(json_number_value(size));
    }
    return 0;
}

int weir_content_read_sabre(struct weir_content_build *b, const json_t *root)
{
    const json_t *duration = json_object_get(root, "segment_duration_ms"),
                 *rates = json_object_get(root, "bitrates_kbps"),
                 *sizes = json_object_get(root, "segment_sizes_bits");
    b->content.format = WEIR_CONTENT_SABRE;
    if (!json_is_number(duration) || !(json_number_value(duration) > 0))
        return fail(b, "segment_duration_ms is missing or not a number above 0");
    if (!json_is_array(rates))
        return fail(b, "bitrates_kbps is missing or not an array");
    if (!json_is_array(sizes))
        return fail(b, "segment_sizes_bits is missing or not an array");
    struct weir_content_track *video = &b->content.video;
    int err = weir_content_track_make(b, video, (int64_t)json_array_size(sizes),
                                      json_array_size(rates), false, false);
    if (!err)
        err = read_rates(b, rates);
    for (int64_t i = 0; !err && i < video->segment_count; i++)
        err = read_row(b, i, json_array_get(sizes, (size_t)i));
    if (!err)
        weir_content_set_duration(b, video, json_number_value(duration) * 1000.0);
    return err;
}
