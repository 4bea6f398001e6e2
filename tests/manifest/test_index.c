// tests/manifest/test_index.c — sidx and WebM Cues: bytes built here, loaded through
// weir_presentation_load_index.
#include "manifest_test.h"

struct bytes {
    uint8_t data[4096];
    size_t len;
};

static void put(struct bytes *b, uint64_t v, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        b->data[b->len++] = (uint8_t)(v >> (8 * i));
}

struct ref {
    bool index;
    uint32_t size, duration;
};

static void put_sidx(struct bytes *b, int version, uint32_t timescale, uint64_t earliest,
                     uint64_t first_offset, const struct ref *refs, size_t count)
{
    size_t wide = version ? 8 : 4;
    put(b, 8 + 12 + 2 * wide + 4 + count * 12, 4);
    put(b, 0x73696478, 4);
    put(b, (uint64_t)version << 24, 4);
    put(b, 1, 4);
    put(b, timescale, 4);
    put(b, earliest, (int)wide);
    put(b, first_offset, (int)wide);
    put(b, count, 4);
    for (size_t i = 0; i < count; i++) {
        put(b, (refs[i].index ? 0x80000000u : 0) | refs[i].size, 4);
        put(b, refs[i].duration, 4);
        put(b, 0x90000000u, 4);
    }
}

static int load(struct weir_presentation *p, struct weir_representation *r, const struct bytes *b,
                int64_t offset)
{
    struct weir_manifest_input in = {.data = b->data,
                                     .size_bytes = b->len,
                                     .url = r->index_url,
                                     .wall_clock_us = WEIR_TIME_NONE};
    struct weir_error error = {0};
    int err = weir_presentation_load_index(p, r, &in, offset, &error);
    assert_int_equal(err != 0, error.what[0] != '\0');
    return err;
}

static struct weir_presentation *with_index(const char *attributes)
{
    char mpd[1024];
    snprintf(mpd, sizeof(mpd), MPD_VIDEO("<SegmentBase %s/>"), attributes);
    return parsed(mpd, MPD_URL);
}

static void a_sidx_lists_its_segments(void **state)
{
    const struct ref refs[] = {{false, 100, 2000}, {false, 50, 3000}};
    for (int version = 0; version < 2; version++) {
        struct weir_presentation *p =
            with_index("indexRange='500-700' timescale='90000' presentationTimeOffset='90000'");
        struct weir_representation *r = first_rep(p);
        struct bytes b = {.len = 0};
        put_sidx(&b, version, 1000, 1000, 7, refs, COUNT(refs));
        assert_int_equal(load(p, r, &b, 500), 0);
        assert_int_equal(r->index_need, WEIR_INDEX_READY);
        assert_int_equal(weir_index_count(r), 2);
        struct weir_segment_info s = segment_at(r, 1);
        assert_int_equal(s.range.first, 500 + (int64_t)b.len + 7 + 100);
        assert_int_equal(s.range.last, s.range.first + 49);
        assert_int_equal(s.size_bytes, 50);
        assert_int_equal(s.start_us, 2000000); // earliest 1 s, minus the MPD's offset of 1 s
        assert_int_equal(s.duration_us, 3000000);
        assert_true(s.independent);
        assert_true(s.timing_exact);
        assert_int_equal(s.offset_ticks, 90000);
        assert_int_equal(weir_index_find(r, 1999999), 0);
        assert_int_equal(weir_index_find(r, 2000000), 1);
        weir_presentation_destroy(&p);
    }
    (void)state;
}

static void a_nested_sidx_is_asked_for(void **state)
{
    const struct ref outer[] = {{true, 1000, 4000}, {false, 30, 1000}};
    const struct ref inner[] = {{false, 400, 1500}, {false, 500, 2500}};
    struct weir_presentation *p = with_index("indexRange='0-99'");
    struct weir_representation *r = first_rep(p);
    struct bytes b = {.len = 0}, n = {.len = 0};
    (void)state;
    put_sidx(&b, 0, 1000, 0, 0, outer, COUNT(outer));
    assert_int_equal(load(p, r, &b, 0), 0);
    assert_int_equal(r->index_need, WEIR_INDEX_SIDX);
    assert_int_equal(r->index_range.first, (int64_t)b.len);
    put_sidx(&n, 0, 1000, 0, 0, inner, COUNT(inner));
    assert_int_equal(load(p, r, &n, r->index_range.first), 0);
    assert_int_equal(r->index_need, WEIR_INDEX_READY);
    assert_int_equal(weir_index_count(r), 3);
    assert_int_equal(segment_at(r, 1).start_us, 1500000);
    assert_int_equal(segment_at(r, 2).start_us, 4000000);
    assert_int_equal(segment_at(r, 2).range.first, (int64_t)b.len + 1000);
    weir_presentation_destroy(&p);
}

static void a_nested_sidx_in_the_same_bytes_needs_no_fetch(void **state)
{
    const struct ref inner[] = {{false, 400, 1500}};
    struct bytes n = {.len = 0}, b = {.len = 0};
    (void)state;
    put_sidx(&n, 0, 1000, 0, 0, inner, 1);
    const struct ref outer[] = {{true, (uint32_t)n.len + 400, 1500}};
    put_sidx(&b, 0, 1000, 0, 0, outer, 1);
    memcpy(b.data + b.len, n.data, n.len);
    b.len += n.len;
    struct weir_presentation *p = with_index("indexRange='0-999'");
    assert_int_equal(load(p, first_rep(p), &b, 0), 0);
    assert_int_equal(first_rep(p)->index_need, WEIR_INDEX_READY);
    assert_int_equal(weir_index_count(first_rep(p)), 1);
    weir_presentation_destroy(&p);
}

static void hostile_indexes_are_refused(void **state)
{
    static const struct {
        const char *name;
        uint32_t timescale;
        struct ref ref;
        size_t cut; // bytes taken off the end
    } cases[] = {
        {"cut short", 1000, {false, 10, 10}, 5},
        {"timescale 0", 0, {false, 10, 10}, 0},
        {"an empty reference", 1000, {false, 0, 10}, 0},
        {"nothing", 1000, {false, 1, 1}, 44},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct weir_presentation *p = with_index("indexRange='0-99'");
        struct bytes b = {.len = 0};
        put_sidx(&b, 0, cases[i].timescale, 0, 0, &cases[i].ref, 1);
        b.len -= cases[i].cut;
        if (load(p, first_rep(p), &b, 0) != WEIR_ERR_SYNTAX)
            fail_msg("%s: accepted", cases[i].name);
        assert_int_equal(weir_index_count(first_rep(p)), 0);
        weir_presentation_destroy(&p);
    }
}

// An index that points at itself, or at one that is never there, ends with an error.
static void endless_nesting_ends(void **state)
{
    const struct ref self[] = {{true, 60, 10}};
    struct weir_presentation *p = with_index("indexRange='0-99'");
    struct weir_representation *r = first_rep(p);
    struct bytes b = {.len = 0};
    int err = 0, rounds = 0;
    (void)state;
    put_sidx(&b, 0, 1000, 0, 0, self, 1);
    while (!err && r->index_need == WEIR_INDEX_SIDX && rounds++ < 100)
        err = load(p, r, &b, r->index_range.first);
    assert_int_equal(err, WEIR_ERR_TOO_BIG);
    weir_presentation_destroy(&p);

    p = with_index("indexRange='0-99'");
    r = first_rep(p);
    assert_int_equal(load(p, r, &b, 0), 0);
    struct bytes junk = {.data = "not a box, but long enough", .len = 26};
    assert_int_equal(load(p, r, &junk, r->index_range.first), WEIR_ERR_SYNTAX);
    weir_presentation_destroy(&p);
}

static void put_element(struct bytes *b, uint32_t id, int id_bytes, const struct bytes *body)
{
    put(b, id, id_bytes);
    put(b, 0x4000 | body->len, 2);
    memcpy(b->data + b->len, body->data, body->len);
    b->len += body->len;
}

static void put_number(struct bytes *b, uint32_t id, int id_bytes, uint64_t v)
{
    struct bytes body = {.len = 0};
    put(&body, v, 4);
    put_element(b, id, id_bytes, &body);
}

static void webm_cues_become_clusters(void **state)
{
    struct weir_presentation *p = parsed(MPD("<AdaptationSet mimeType='video/webm'><Representation "
                                             "id='v' bandwidth='1'><BaseURL>v.webm</BaseURL>"
                                             "<SegmentBase indexRange='300-400'><Initialization "
                                             "range='0-299'/></SegmentBase></Representation>"
                                             "</AdaptationSet>"),
                                         MPD_URL);
    struct weir_representation *r = first_rep(p);
    struct bytes points = {.len = 0}, cues = {.len = 0}, head = {.len = 0}, ebml = {.len = 0},
                 info = {.len = 0};
    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        struct bytes positions = {.len = 0}, point = {.len = 0};
        put_number(&positions, 0xF1, 1, 400 + i * 1000);
        put_number(&point, 0xB3, 1, i * 2000);
        put_element(&point, 0xB7, 1, &positions);
        put_element(&points, 0xBB, 1, &point);
    }
    put_element(&cues, 0x1C53BB6B, 4, &points);
    assert_int_equal(r->index_need, WEIR_INDEX_CUES);
    assert_int_equal(load(p, r, &cues, 300), 0);
    assert_int_equal(r->index_need, WEIR_INDEX_CUES); // now the head: where the Segment begins
    assert_int_equal(r->index_range.first, 0);
    assert_int_equal(r->index_range.last, 299);
    put_element(&head, 0x1A45DFA3, 4, &ebml);
    put(&head, 0x18538067, 4);
    put(&head, 0x4000 | 9000, 2);
    int64_t base = (int64_t)head.len;
    put_number(&info, 0x2AD7B1, 3, 1000000);
    put_element(&head, 0x1549A966, 4, &info);
    assert_int_equal(load(p, r, &head, 0), 0);
    assert_int_equal(r->index_need, WEIR_INDEX_READY);
    assert_int_equal(weir_index_count(r), 3);
    assert_int_equal(segment_at(r, 1).start_us, 2000000);
    assert_int_equal(segment_at(r, 1).range.first, base + 1400);
    assert_int_equal(segment_at(r, 1).range.last, base + 2399);
    assert_int_equal(segment_at(r, 2).duration_us, 6000000); // up to the period's end
    assert_int_equal(segment_at(r, 2).range.last, base + 8999);
    weir_presentation_destroy(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sidx_lists_its_segments),
        cmocka_unit_test(a_nested_sidx_is_asked_for),
        cmocka_unit_test(a_nested_sidx_in_the_same_bytes_needs_no_fetch),
        cmocka_unit_test(hostile_indexes_are_refused),
        cmocka_unit_test(endless_nesting_ends),
        cmocka_unit_test(webm_cues_become_clusters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
