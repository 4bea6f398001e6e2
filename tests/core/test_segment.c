// tests/core/test_segment.c — segments: one writer and readers on other threads, padding, limits,
// watchers.
#include "core_test.h"

#include <pthread.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/segment.h"

struct fixture {
    struct weir_budget budget;
    struct weir_copy_counters copies;
    struct weir_segment_pool *pool;
};

static void open_pool(struct fixture *f, size_t range_bytes, size_t max_segments,
                      int64_t limit_bytes)
{
    memset(f, 0, sizeof(*f));
    weir_budget_init(&f->budget, limit_bytes);
    const struct weir_segment_pool_params params = {.range_bytes = range_bytes,
                                                    .max_segments = max_segments,
                                                    .premapped = 2,
                                                    .budget = &f->budget,
                                                    .copies = &f->copies};
    assert_int_equal(weir_segment_pool_create(&params, &f->pool), 0);
}

static void close_pool(struct fixture *f)
{
    weir_segment_pool_destroy(&f->pool);
    assert_null(f->pool);
    assert_int_equal(f->budget.held_bytes, 0);
    weir_budget_clear(&f->budget);
}

static uint8_t byte_at(size_t i)
{
    return (uint8_t)((i * 2654435761u) >> 13);
}

static void fill(uint8_t *out, size_t from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = byte_at(from + i);
}

static void bytes_grow_in_place(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t chunk[1000];
    open_pool(&f, 1 * MIB, 4, 0);
    struct weir_segment *s = weir_segment_create(f.pool, 100000);
    const uint8_t *data = weir_segment_data(s);
    assert_int_equal(weir_segment_state(s), WEIR_SEGMENT_OPEN);
    assert_int_equal(weir_segment_append(s, NULL, 0), 0);
    for (size_t at = 0; at < 100000; at += sizeof(chunk)) {
        fill(chunk, at, sizeof(chunk));
        assert_int_equal(weir_segment_append(s, chunk, sizeof(chunk)), 0);
        assert_int_equal(weir_segment_length(s), at + sizeof(chunk));
    }
    weir_segment_finish(s, WEIR_SEGMENT_COMPLETE);
    assert_int_equal(weir_segment_state(s), WEIR_SEGMENT_COMPLETE);
    assert_ptr_equal(weir_segment_data(s), data);
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(data[i], byte_at(i));
    assert_int_equal(f.copies.net_bytes, 100000);
    assert_true(weir_slots_contains(weir_segment_pool_slots(f.pool), data, 100064));
    weir_segment_unref(&s);
    assert_null(s);
    weir_segment_unref(&s);
    close_pool(&f);
}

// A slot that held 0xFF everywhere is used again: decoders must find zeros behind the end all the
// same.
static void the_padding_is_zero_after_the_end(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t *dirt = malloc(64 * 1024);
    memset(dirt, 0xFF, 64 * 1024);
    open_pool(&f, 1 * MIB, 1, 0);
    for (size_t length = 4096 - 70; length < 4096 + 70; length++) { // across the page's end
        struct weir_segment *s = weir_segment_create(f.pool, 0);
        assert_int_equal(weir_segment_append(s, dirt, 64 * 1024), 0);
        weir_segment_finish(s, WEIR_SEGMENT_COMPLETE);
        weir_segment_unref(&s);
        s = weir_segment_create(f.pool, length);
        assert_int_equal(weir_segment_append(s, dirt, length), 0);
        weir_segment_finish(s, length % 2 ? WEIR_SEGMENT_COMPLETE : WEIR_SEGMENT_FAILED);
        for (size_t i = 0; i < WEIR_SEGMENT_PADDING_BYTES; i++)
            assert_int_equal(weir_segment_data(s)[length + i], 0);
        assert_true(weir_slots_stats(weir_segment_pool_slots(f.pool)).committed_bytes >=
                    (int64_t)(length + WEIR_SEGMENT_PADDING_BYTES));
        weir_segment_unref(&s);
    }
    free(dirt);
    close_pool(&f);
}

static void a_segment_larger_than_its_range_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    static uint8_t bytes[65536];
    open_pool(&f, sizeof(bytes), 2, 0);
    struct weir_segment *s = weir_segment_create(f.pool, 0);
    assert_int_equal(weir_segment_append(s, bytes, sizeof(bytes) - WEIR_SEGMENT_PADDING_BYTES + 1),
                     WEIR_ERR_TOO_BIG);
    assert_int_equal(weir_segment_append(s, bytes, SIZE_MAX - 10), WEIR_ERR_TOO_BIG);
    assert_int_equal(weir_segment_length(s), 0);
    assert_int_equal(weir_segment_append(s, bytes, sizeof(bytes) - WEIR_SEGMENT_PADDING_BYTES), 0);
    assert_int_equal(weir_segment_append(s, bytes, 1), WEIR_ERR_TOO_BIG);
    weir_segment_finish(s, WEIR_SEGMENT_FAILED);
    assert_int_equal(weir_segment_length(s), sizeof(bytes) - WEIR_SEGMENT_PADDING_BYTES);
    weir_segment_unref(&s);
    close_pool(&f);
}

static void the_memory_limit_is_never_passed(void **state)
{
    (void)state;
    struct fixture f;
    static uint8_t bytes[32768];
    const int64_t limit = 256 * 1024;
    open_pool(&f, 1 * MIB, 8, limit);
    struct weir_segment *a = weir_segment_create(f.pool, 0);
    int err = 0, count = 0;
    while (!(err = weir_segment_append(a, bytes, sizeof(bytes))))
        count++;
    assert_int_equal(err, WEIR_ERR_LIMIT);
    assert_int_equal(count, 7);
    assert_int_equal(weir_segment_length(a), 7 * sizeof(bytes)); // what was published stays
    struct weir_segment *b = weir_segment_create(f.pool, 0);
    assert_int_equal(weir_segment_append(b, bytes, sizeof(bytes)), WEIR_ERR_LIMIT);
    weir_segment_finish(b, WEIR_SEGMENT_FAILED); // with no byte, and no page for any
    weir_segment_finish(a, WEIR_SEGMENT_FAILED);
    weir_segment_unref(&a);
    weir_segment_unref(&b);
    b = weir_segment_create(f.pool, 0);
    assert_int_equal(weir_segment_append(b, bytes, sizeof(bytes)), 0);
    weir_segment_unref(&b);
    assert_true(f.budget.high_water_bytes <= limit);
    close_pool(&f);
}

static void a_short_segment_gives_pages_back(void **state)
{
#ifdef WEIR_MALLOC_SLOTS
    (void)state;
    skip();
#else
    (void)state;
    struct fixture f;
    static uint8_t bytes[4 * 1024 * 1024];
    open_pool(&f, 8 * MIB, 1, 0);
    struct weir_segment *s = weir_segment_create(f.pool, 0);
    assert_int_equal(weir_segment_append(s, bytes, sizeof(bytes)), 0);
    weir_segment_finish(s, WEIR_SEGMENT_COMPLETE);
    weir_segment_unref(&s);
    assert_true(f.budget.held_bytes >= (int64_t)sizeof(bytes)); // kept for the next
    s = weir_segment_create(f.pool, 0);
    assert_int_equal(weir_segment_append(s, bytes, sizeof(bytes) - 100000), 0);
    weir_segment_finish(s, WEIR_SEGMENT_COMPLETE);
    assert_true(f.budget.held_bytes >= (int64_t)sizeof(bytes)); // a small rest stays
    weir_segment_unref(&s);
    s = weir_segment_create(f.pool, 0);
    assert_int_equal(weir_segment_append(s, bytes, 100000), 0);
    weir_segment_finish(s, WEIR_SEGMENT_COMPLETE);
    assert_true(f.budget.held_bytes < 110000);
    assert_memory_equal(weir_segment_data(s), bytes, 100000);
    weir_segment_unref(&s);
    close_pool(&f);
#endif
}

static void count_release(void *ctx)
{
    ++*(int *)ctx;
}

static void wrapped_memory_is_neither_copied_nor_counted(void **state)
{
    (void)state;
    struct fixture f;
    static const uint8_t file[100 + WEIR_SEGMENT_PADDING_BYTES] = {1, 2, 3};
    int released = 0;
    open_pool(&f, 65536, 1, 0);
    struct weir_segment *s = weir_segment_wrap(f.pool, file, 100, count_release, &released);
    struct weir_segment *t = weir_segment_wrap(f.pool, file, 100, NULL, NULL);
    assert_null(weir_segment_wrap(f.pool, file, 100, NULL, NULL)); // twice max_segments at most
    assert_ptr_equal(weir_segment_data(s), file);
    assert_int_equal(weir_segment_length(s), 100);
    assert_int_equal(weir_segment_state(s), WEIR_SEGMENT_COMPLETE);
    struct weir_segment *again = weir_segment_ref(s);
    weir_segment_unref(&s);
    assert_int_equal(released, 0);
    weir_segment_unref(&again);
    assert_int_equal(released, 1);
    weir_segment_unref(&t);
    assert_int_equal(f.copies.net_bytes + f.budget.high_water_bytes, 0);
    close_pool(&f);
}

static void an_exhausted_pool_says_so_and_recovers(void **state)
{
    (void)state;
    struct fixture f;
    struct weir_segment *held[3];
    open_pool(&f, 65536, 3, 0);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 3; i++)
            assert_non_null(held[i] = weir_segment_create(f.pool, 10));
        assert_null(weir_segment_create(f.pool, 10));
        for (size_t i = 0; i < 3; i++)
            weir_segment_unref(&held[i]);
    }
    close_pool(&f);
}

static void watchers_hear_of_bytes_and_of_the_end(void **state)
{
    (void)state;
    struct fixture f;
    struct weir_wake wakes[2];
    open_pool(&f, 65536, 2, 0);
    weir_wake_init(&wakes[0]);
    weir_wake_init(&wakes[1]);
    struct weir_segment *s = weir_segment_create(f.pool, 0);
    weir_segment_watch(s, 0, &wakes[0]);
    assert_false(weir_wake_wait(&wakes[0], 0)); // nothing yet
    weir_segment_append(s, "abc", 3);
    assert_true(weir_wake_wait(&wakes[0], 0));
    weir_segment_watch(s, 1, &wakes[1]);
    assert_true(weir_wake_wait(&wakes[1], 0)); // what was there before it watched
    weir_segment_watch(s, 0, NULL);
    weir_segment_finish(s, WEIR_SEGMENT_COMPLETE);
    assert_false(weir_wake_wait(&wakes[0], 0));
    assert_true(weir_wake_wait(&wakes[1], 0));
    weir_segment_unref(&s);
    s = weir_segment_create(f.pool, 0); // the same object again: nobody watches it
    weir_segment_append(s, "abc", 3);
    assert_false(weir_wake_wait(&wakes[1], 0));
    weir_segment_unref(&s);
    weir_wake_clear(&wakes[0]);
    weir_wake_clear(&wakes[1]);
    close_pool(&f);
}

#define STREAM_BYTES ((size_t)400000)
#define READERS      2
#define ROUNDS       20

struct reader {
    struct weir_segment *segment; // its own reference
    struct weir_wake wake;
    int which;
    const char *failed;
};

// Reads every byte once it is published, and what lies beyond once the segment is complete.
static void *read_segment(void *arg)
{
    struct reader *r = arg;
    size_t seen = 0;
    weir_segment_watch(r->segment, r->which, &r->wake);
    for (;;) {
        enum weir_segment_state state = weir_segment_state(r->segment);
        size_t length = weir_segment_length(r->segment);
        const uint8_t *data = weir_segment_data(r->segment);
        for (; seen < length; seen++) {
            if (data[seen] != byte_at(seen))
                r->failed = "wrong byte";
        }
        if (state != WEIR_SEGMENT_OPEN) {
            for (size_t i = 0; i < WEIR_SEGMENT_PADDING_BYTES; i++) {
                if (data[length + i] != 0)
                    r->failed = "padding";
            }
            if (length != STREAM_BYTES)
                r->failed = "length not final";
            break;
        }
        if (!weir_wake_wait(&r->wake, 60 * WEIR_SECOND_US))
            r->failed = "lost signal";
    }
    weir_segment_watch(r->segment, r->which, NULL);
    weir_segment_unref(&r->segment);
    return NULL;
}

static void write_segment(struct weir_segment *s, unsigned seed)
{
    static uint8_t chunk[20000];
    for (size_t at = 0; at < STREAM_BYTES;) {
        seed = seed * 1664525u + 1013904223u;
        size_t size = (seed >> 8) % sizeof(chunk) + 1;
        if (size > STREAM_BYTES - at)
            size = STREAM_BYTES - at;
        fill(chunk, at, size);
        assert_int_equal(weir_segment_append(s, chunk, size), 0);
        at += size;
    }
    weir_segment_finish(s, WEIR_SEGMENT_COMPLETE);
}

static void readers_follow_the_writer(void **state)
{
    (void)state;
    struct fixture f;
    struct reader readers[READERS];
    open_pool(&f, 1 * MIB, 4, 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        pthread_t threads[READERS];
        struct weir_segment *s = weir_segment_create(f.pool, STREAM_BYTES);
        for (int i = 0; i < READERS; i++) {
            readers[i] = (struct reader){.segment = weir_segment_ref(s), .which = i};
            assert_int_equal(weir_wake_init(&readers[i].wake), 0);
            assert_int_equal(pthread_create(&threads[i], NULL, read_segment, &readers[i]), 0);
        }
        write_segment(s, round);
        weir_segment_unref(&s); // a reader may be the last holder
        for (int i = 0; i < READERS; i++) {
            pthread_join(threads[i], NULL);
            weir_wake_clear(&readers[i].wake);
            if (readers[i].failed)
                fail_msg("round %u: %s", round, readers[i].failed);
        }
    }
    assert_int_equal(f.copies.net_bytes, ROUNDS * STREAM_BYTES);
    assert_int_equal(weir_slots_stats(weir_segment_pool_slots(f.pool)).in_use, 0);
    close_pool(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_grow_in_place),
        cmocka_unit_test(the_padding_is_zero_after_the_end),
        cmocka_unit_test(a_segment_larger_than_its_range_is_refused),
        cmocka_unit_test(the_memory_limit_is_never_passed),
        cmocka_unit_test(a_short_segment_gives_pages_back),
        cmocka_unit_test(wrapped_memory_is_neither_copied_nor_counted),
        cmocka_unit_test(an_exhausted_pool_says_so_and_recovers),
        cmocka_unit_test(watchers_hear_of_bytes_and_of_the_end),
        cmocka_unit_test(readers_follow_the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
