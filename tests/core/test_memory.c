// tests/core/test_memory.c — arena, object pool and budget: limits, zeroing, hand-over between
// threads.
#include "core_test.h"

#include <pthread.h>
#include <stdalign.h>

#include "core/arena.h"
#include "core/budget.h"
#include "core/objpool.h"
#include "core/spsc.h"

static void arena_gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    struct weir_arena a;
    weir_arena_init(&a, 0);
    unsigned char *previous = NULL;
    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *p = weir_arena_alloc(&a, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        assert_ptr_not_equal(p, previous);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xAB, size); // the next object must not be this one
        previous = p;
    }
    weir_arena_clear(&a);
    weir_arena_clear(&a);
    assert_int_equal(a.used_bytes, 0);
    assert_non_null(weir_arena_alloc(&a, 1)); // usable again
    weir_arena_clear(&a);
}

static void arena_keeps_to_its_limit(void **state)
{
    (void)state;
    struct weir_arena a;
    weir_arena_init(&a, 10000);
    assert_null(weir_arena_alloc(&a, 10001));
    size_t total = 0;
    while (weir_arena_alloc(&a, 100))
        total += 100;
    assert_in_range(total, 8000, 10000);
    assert_true(a.used_bytes <= 10000);
    assert_null(weir_arena_printf(&a, "%200s", "x"));
    assert_null(weir_arena_alloc(&a, SIZE_MAX));
    assert_null(weir_arena_array(&a, SIZE_MAX / 2, 4));
    assert_null(
        weir_arena_array(&a, (size_t)1 << (sizeof(size_t) * 4), (size_t)1 << (sizeof(size_t) * 4)));
    weir_arena_clear(&a);
}

// A large object must not waste the block in use, nor break the small ones after it.
static void arena_mixes_large_and_small(void **state)
{
    (void)state;
    struct weir_arena a;
    weir_arena_init(&a, 0);
    char *small = weir_arena_strdup(&a, "small");
    unsigned char *large = weir_arena_array(&a, 5, 1 * MIB);
    char *after = weir_arena_printf(&a, "%s-%d", "after", 7);
    memset(large, 0xFF, 5 * MIB);
    assert_string_equal(small, "small");
    assert_string_equal(after, "after-7");
    assert_string_equal(weir_arena_strndup(&a, "abcdef", 3), "abc");
    assert_string_equal(weir_arena_strndup(&a, "ab", 30), "ab");
    assert_string_equal(weir_arena_strndup(&a, "", 0), "");
    weir_arena_clear(&a);
}

static void objects_are_reused_and_zeroed(void **state)
{
    (void)state;
    struct weir_objpool *pool;
    assert_int_equal(weir_objpool_create(1000, &pool), 0);
    struct weir_objcache *cache = weir_objcache_open(pool);
    assert_null(weir_objcache_alloc(cache, 1025));
    for (int round = 0; round < 50; round++) {
        void *held[100];
        for (size_t i = 0; i < COUNT(held); i++) {
            size_t size = i * 10;
            unsigned char *p = weir_objcache_alloc(cache, size);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
            for (size_t k = 0; k < size; k++)
                assert_int_equal(p[k], 0);
            memset(p, 0xCD, size);
            held[i] = p;
        }
        for (size_t i = 0; i < COUNT(held); i++)
            weir_objcache_free(cache, held[i]);
        weir_objcache_free(cache, NULL);
    }
    struct weir_objpool_stats stats = weir_objpool_stats(pool);
    assert_int_equal(stats.misses, 100); // the first round's only
    assert_int_equal(stats.hits, 4900);
    assert_true(stats.held_bytes >= 100 * 64);
    weir_objcache_close(&cache);
    assert_null(cache);
    // A new cache finds what the old one left.
    cache = weir_objcache_open(pool);
    weir_objcache_free(cache, weir_objcache_alloc(cache, 60));
    assert_int_equal(weir_objpool_stats(pool).misses, 100);
    weir_objcache_close(&cache);
    weir_objpool_destroy(&pool);
    assert_null(pool);
    weir_objpool_destroy(&pool);
}

static void object_pool_refuses_senseless_sizes(void **state)
{
    (void)state;
    struct weir_objpool *pool;
    assert_int_equal(weir_objpool_create(0, &pool), WEIR_ERR_INVAL);
    assert_int_equal(weir_objpool_create(4097, &pool), WEIR_ERR_INVAL);
    assert_null(pool);
    assert_int_equal(weir_objpool_create(4096, &pool), 0);
    struct weir_objcache *cache = weir_objcache_open(pool);
    void *p = weir_objcache_alloc(cache, 4096);
    assert_non_null(p);
    weir_objcache_free(cache, p);
    weir_objcache_close(&cache);
    weir_objpool_destroy(&pool);
}

#define HANDOVER_COUNT 200000

struct handover {
    struct weir_objpool *pool;
    struct weir_spsc queue;
};

static void *free_what_arrives(void *arg)
{
    struct handover *h = arg;
    struct weir_objcache *cache = weir_objcache_open(h->pool);
    for (uint64_t want = 0; want < HANDOVER_COUNT;) {
        uint64_t *object;
        if (!weir_spsc_pop(&h->queue, &object)) {
            sched_yield();
            continue;
        }
        if (*object != want)
            return arg;
        weir_objcache_free(cache, object);
        want++;
    }
    weir_objcache_close(&cache);
    return NULL;
}

// The steady state of the player: one thread allocates packets, another frees them. What is in
// flight is bounded by the queue, so the number of mallocs is, too.
static void objects_cross_threads_without_malloc(void **state)
{
    (void)state;
    struct handover h[2];
    pthread_t consumers[2];
    struct weir_objpool *pool;
    assert_int_equal(weir_objpool_create(256, &pool), 0);
    struct weir_objcache *cache = weir_objcache_open(pool);
    for (int i = 0; i < 2; i++) {
        h[i].pool = pool;
        assert_int_equal(weir_spsc_init(&h[i].queue, 64, sizeof(void *)), 0);
        assert_int_equal(pthread_create(&consumers[i], NULL, free_what_arrives, &h[i]), 0);
    }
    for (uint64_t n = 0; n < HANDOVER_COUNT; n++) {
        for (int i = 0; i < 2; i++) {
            uint64_t *object = weir_objcache_alloc(cache, 200);
            *object = n;
            while (!weir_spsc_push(&h[i].queue, &object))
                sched_yield();
        }
    }
    for (int i = 0; i < 2; i++) {
        void *failed;
        pthread_join(consumers[i], &failed);
        assert_null(failed);
        weir_spsc_clear(&h[i].queue);
    }
    struct weir_objpool_stats stats = weir_objpool_stats(pool);
    assert_int_equal(stats.hits + stats.misses, 2 * HANDOVER_COUNT);
    // 2 × 64 queued, two batches of 32 in each of three caches, and some while the rest of a list
    // is put back.
    assert_true(stats.misses < 2000);
    weir_objcache_close(&cache);
    weir_objpool_destroy(&pool);
}

static void budget_never_passes_its_limit(void **state)
{
    (void)state;
    struct weir_budget b;
    weir_budget_init(&b, 1000);
    assert_true(weir_budget_reserve(&b, 600));
    assert_false(weir_budget_reserve(&b, 401));
    assert_int_equal(weir_budget_room_bytes(&b), 400);
    assert_true(weir_budget_reserve(&b, 400));
    assert_int_equal(weir_budget_room_bytes(&b), 0);
    weir_budget_add(&b, -900);
    assert_int_equal(b.held_bytes, 100);
    assert_int_equal(b.high_water_bytes, 1000);
    assert_false(weir_budget_reserve(&b, INT64_MAX));
    weir_budget_clear(&b);

    weir_budget_init(&b, 0);
    assert_int_equal(weir_budget_room_bytes(&b), INT64_MAX);
    assert_true(weir_budget_reserve(&b, INT64_C(1) << 50));
    weir_budget_clear(&b);
}

static void *reserve_and_return(void *arg)
{
    struct weir_budget *b = arg;
    for (int i = 0; i < 100000; i++) {
        if (weir_budget_reserve(b, 3))
            weir_budget_add(b, -3);
    }
    return NULL;
}

static void budget_holds_under_contention(void **state)
{
    (void)state;
    struct weir_budget b;
    pthread_t threads[4];
    weir_budget_init(&b, 7); // room for two of the four
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reserve_and_return, &b), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(b.held_bytes, 0);
    assert_true(b.high_water_bytes <= 7);
    weir_budget_clear(&b);
}

struct keeper {
    struct weir_budget *budget;
    int64_t kept;
    int64_t asked;
};

static void keeper_gives(void *ctx, int64_t need_bytes)
{
    struct keeper *k = ctx;
    k->asked = need_bytes;
    int64_t gives = k->kept < need_bytes ? k->kept : need_bytes;
    k->kept -= gives;
    weir_budget_add(k->budget, -gives);
}

static void reclaim_asks_in_turn_until_there_is_room(void **state)
{
    (void)state;
    struct weir_budget b;
    weir_budget_init(&b, 100);
    struct keeper keepers[WEIR_BUDGET_MAX_RECLAIMERS + 1] = {{&b, 30, 0}, {&b, 30, 0}, {&b, 30, 0}};
    weir_budget_add(&b, 90);
    for (int i = 3; i <= WEIR_BUDGET_MAX_RECLAIMERS; i++)
        keepers[i].budget = &b;
    for (int i = 0; i < WEIR_BUDGET_MAX_RECLAIMERS; i++)
        assert_int_equal(
            weir_budget_register(&b, (struct weir_budget_reclaimer){keeper_gives, &keepers[i]}), 0);
    assert_int_equal(
        weir_budget_register(
            &b, (struct weir_budget_reclaimer){keeper_gives, &keepers[WEIR_BUDGET_MAX_RECLAIMERS]}),
        WEIR_ERR_LIMIT);
    weir_budget_reclaim(&b, 50);
    assert_int_equal(keepers[0].asked, 40);
    assert_int_equal(keepers[1].asked, 10);
    assert_int_equal(keepers[2].asked, 0);
    assert_int_equal(weir_budget_room_bytes(&b), 50);
    weir_budget_unregister(&b, &keepers[2]);
    weir_budget_reclaim(&b, 100);
    assert_int_equal(keepers[2].asked, 0);
    assert_int_equal(weir_budget_room_bytes(&b), 70);
    weir_budget_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(arena_keeps_to_its_limit),
        cmocka_unit_test(arena_mixes_large_and_small),
        cmocka_unit_test(objects_are_reused_and_zeroed),
        cmocka_unit_test(object_pool_refuses_senseless_sizes),
        cmocka_unit_test(objects_cross_threads_without_malloc),
        cmocka_unit_test(budget_never_passes_its_limit),
        cmocka_unit_test(budget_holds_under_contention),
        cmocka_unit_test(reclaim_asks_in_turn_until_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
