// tests/core/test_slots.c — slots and frames: reuse, accounts, limits, trimming, and who gives way
// to whom.
#include "core_test.h"

#include <pthread.h>
#include <unistd.h>

#include "core/frames.h"
#include "core/poison.h"
#include "core/slots.h"

#ifdef WEIR_MALLOC_SLOTS
#define KEEPS_FREE_SLOTS 0 // heap blocks go at release: nothing to reuse or trim
#else
#define KEEPS_FREE_SLOTS 1
#endif

struct fixture {
    struct weir_budget budget;
    struct weir_slots *slots;
    size_t page;
};

static void open_pool(struct fixture *f, struct weir_slots_params params, int64_t limit_bytes)
{
    f->page = (size_t)sysconf(_SC_PAGESIZE);
    weir_budget_init(&f->budget, limit_bytes);
    params.budget = &f->budget;
    params.name = "test";
    assert_int_equal(weir_slots_create(&params, &f->slots), 0);
}

static void close_pool(struct fixture *f)
{
    weir_slots_destroy(&f->slots);
    assert_null(f->slots);
    assert_int_equal(f->budget.held_bytes, 0);
    weir_budget_clear(&f->budget);
}

static struct weir_slot *acquire_used(struct fixture *f, size_t used)
{
    struct weir_slot *slot = weir_slots_acquire(f->slots, used);
    assert_non_null(slot);
    assert_int_equal(weir_slots_commit(f->slots, slot, used), 0);
    memset(slot->data, 0x5A, used);
    return slot;
}

static void senseless_parameters_are_refused(void **state)
{
    (void)state;
    struct weir_budget b;
    struct weir_slots *slots;
    weir_budget_init(&b, 0);
    assert_int_equal(
        weir_slots_create(&(struct weir_slots_params){.range_bytes = 1, .max_slots = 1}, &slots),
        WEIR_ERR_INVAL);
    assert_int_equal(
        weir_slots_create(&(struct weir_slots_params){.max_slots = 1, .budget = &b}, &slots),
        WEIR_ERR_INVAL);
    assert_int_equal(
        weir_slots_create(&(struct weir_slots_params){.range_bytes = 1, .budget = &b}, &slots),
        WEIR_ERR_INVAL);
    assert_null(slots);
    weir_slots_destroy(&slots);
    weir_budget_clear(&b);
}

static void accounts_follow_the_pages(void **state)
{
    (void)state;
    struct fixture f;
    open_pool(
        &f, (struct weir_slots_params){.range_bytes = 4 * MIB - 5, .max_slots = 4, .premapped = 2},
        0);
    struct weir_slot *slot = weir_slots_acquire(f.slots, 0);
    assert_int_equal(slot->range_bytes, 4 * MIB); // whole pages
    assert_int_equal(slot->committed_bytes, 0);
    assert_int_equal(weir_slots_commit(f.slots, slot, 1), 0);
    assert_int_equal(slot->committed_bytes, f.page);
    assert_int_equal(weir_slots_commit(f.slots, slot, f.page), 0);
    assert_int_equal(f.budget.held_bytes, f.page);
    assert_int_equal(weir_slots_commit(f.slots, slot, 4 * MIB), 0);
    assert_int_equal(weir_slots_commit(f.slots, slot, 4 * MIB + 1), WEIR_ERR_TOO_BIG);
    memset(slot->data, 1, 4 * MIB);
    struct weir_slots_stats stats = weir_slots_stats(f.slots);
    assert_int_equal(stats.committed_bytes, 4 * MIB);
    assert_int_equal(stats.in_use_bytes, 4 * MIB);
    assert_int_equal(stats.in_use, 1);

    weir_slots_shrink(f.slots, slot, f.page + 1);
    if (KEEPS_FREE_SLOTS)
        assert_int_equal(slot->committed_bytes, 2 * f.page);
    assert_int_equal(f.budget.held_bytes, slot->committed_bytes);
    assert_int_equal(slot->data[f.page], 1); // what is kept is kept
    assert_int_equal(f.budget.high_water_bytes, 4 * MIB);

    weir_slots_release(f.slots, slot);
    stats = weir_slots_stats(f.slots);
    assert_int_equal(stats.in_use_bytes, 0);
    assert_int_equal(stats.committed_bytes, KEEPS_FREE_SLOTS ? 2 * f.page : 0);
    assert_int_equal(stats.released, 1);
    assert_true(stats.lifetime_us_sum >= 0);
    close_pool(&f);
}

// Slots are distinct memory, up to max_slots; the premapped ones are hits, later ones misses once.
static void hits_misses_and_exhaustion(void **state)
{
    (void)state;
    if (!KEEPS_FREE_SLOTS)
        skip();
    struct fixture f;
    open_pool(
        &f, (struct weir_slots_params){.range_bytes = 1 * MIB, .max_slots = 3, .premapped = 2}, 0);
    struct weir_slot *held[3];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++) {
            held[i] = acquire_used(&f, 1 * MIB);
            memset(held[i]->data, (int)i, 1 * MIB);
        }
        assert_null(weir_slots_acquire(f.slots, 0));
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(held[i]->data[0], i);
            assert_int_equal(held[i]->data[1 * MIB - 1], i);
            weir_slots_release(f.slots, held[i]);
        }
    }
    struct weir_slots_stats stats = weir_slots_stats(f.slots);
    assert_int_equal(stats.misses, 1);
    assert_int_equal(stats.hits, 5);
    assert_int_equal(stats.mapped, 3);
    close_pool(&f);
}

static void best_fit_takes_the_smallest_that_holds_the_hint(void **state)
{
    (void)state;
    if (!KEEPS_FREE_SLOTS)
        skip();
    static const size_t sizes[] = {8, 2, 32, 4};
    static const struct {
        size_t hint_pages, want_pages;
    } cases[] = {{3, 4}, {4, 4}, {5, 8}, {1, 2}, {0, 2}, {9, 32}, {100, 32}};
    struct fixture f;
    open_pool(
        &f, (struct weir_slots_params){.range_bytes = 1 * MIB, .max_slots = 4, .premapped = 4}, 0);
    struct weir_slot *held[4];
    for (size_t i = 0; i < 4; i++)
        held[i] = acquire_used(&f, sizes[i] * f.page);
    for (size_t i = 0; i < 4; i++)
        weir_slots_release(f.slots, held[i]);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct weir_slot *slot = weir_slots_acquire(f.slots, cases[i].hint_pages * f.page);
        assert_int_equal(slot->committed_bytes, cases[i].want_pages * f.page);
        weir_slots_release(f.slots, slot);
    }
    close_pool(&f);
}

static void lifo_takes_the_last_released(void **state)
{
    (void)state;
    if (!KEEPS_FREE_SLOTS)
        skip();
    struct fixture f;
    open_pool(&f,
              (struct weir_slots_params){
                  .range_bytes = 1 * MIB, .max_slots = 3, .premapped = 3, .order = WEIR_SLOTS_LIFO},
              0);
    struct weir_slot *held[3];
    for (size_t i = 0; i < 3; i++)
        held[i] = acquire_used(&f, 1);
    weir_slots_release(f.slots, held[1]);
    weir_slots_release(f.slots, held[2]);
    weir_slots_release(f.slots, held[0]);
    assert_ptr_equal(weir_slots_acquire(f.slots, 0), held[0]);
    assert_ptr_equal(weir_slots_acquire(f.slots, 0), held[2]);
    assert_ptr_equal(weir_slots_acquire(f.slots, 0), held[1]);
    for (size_t i = 0; i < 3; i++)
        weir_slots_release(f.slots, held[i]);
    close_pool(&f);
}

// Pages given back read as zero when the slot is used again: the proof that they did go.
static void trim_gives_back_the_least_recently_used(void **state)
{
    (void)state;
    if (!KEEPS_FREE_SLOTS)
        skip();
    struct fixture f;
    open_pool(
        &f, (struct weir_slots_params){.range_bytes = 1 * MIB, .max_slots = 3, .premapped = 3}, 0);
    struct weir_slot *held[3];
    for (size_t i = 0; i < 3; i++)
        held[i] = acquire_used(&f, (i + 1) * 10 * f.page);
    weir_slots_release(f.slots, held[1]); // 20 pages, oldest
    weir_slots_release(f.slots, held[0]); // 10
    weir_slots_release(f.slots, held[2]); // 30
    weir_slots_trim(f.slots, (int64_t)(40 * f.page));
    assert_int_equal(held[1]->committed_bytes, 0);
    assert_int_equal(held[0]->committed_bytes, 10 * f.page);
    assert_int_equal(f.budget.held_bytes, 40 * f.page);
    assert_int_equal(weir_slots_stats(f.slots).trims, 1);
    weir_slots_trim(f.slots, 0);
    assert_int_equal(f.budget.held_bytes, 0);
    assert_int_equal(weir_slots_stats(f.slots).trims, 3);
    for (size_t i = 0; i < 3; i++) {
        struct weir_slot *slot = weir_slots_acquire(f.slots, 0);
        assert_int_equal(slot->data[0], 0);
        held[i] = slot;
    }
    for (size_t i = 0; i < 3; i++)
        weir_slots_release(f.slots, held[i]);
    close_pool(&f);
}

static void the_limit_trims_free_slots_then_refuses(void **state)
{
    (void)state;
    struct fixture f;
    open_pool(&f,
              (struct weir_slots_params){.range_bytes = 1 * MIB, .max_slots = 3, .premapped = 3},
              2 * (int64_t)MIB);
    struct weir_slot *a = acquire_used(&f, 1 * MIB);
    struct weir_slot *b = acquire_used(&f, 1 * MIB);
    struct weir_slot *c = weir_slots_acquire(f.slots, 0);
    assert_int_equal(weir_slots_commit(f.slots, c, 1), WEIR_ERR_LIMIT);
    assert_int_equal(c->committed_bytes, 0);
    weir_slots_release(f.slots, a);
    assert_int_equal(weir_slots_commit(f.slots, c, 1), 0); // a's pages went
    assert_int_equal(b->data[0], 0x5A);
    assert_true(f.budget.high_water_bytes <= 2 * (int64_t)MIB);
    weir_slots_release(f.slots, b);
    weir_slots_release(f.slots, c);
    close_pool(&f);
}

// Frames need room while free segments hold it: the other pool of the same budget gives way.
static void pools_of_one_budget_give_way(void **state)
{
    (void)state;
    struct fixture f;
    struct weir_slots *other;
    open_pool(&f,
              (struct weir_slots_params){.range_bytes = 1 * MIB, .max_slots = 2, .premapped = 2},
              2 * (int64_t)MIB);
    const struct weir_slots_params params = {
        .range_bytes = 2 * MIB, .max_slots = 1, .budget = &f.budget};
    assert_int_equal(weir_slots_create(&params, &other), 0);
    struct weir_slot *a = acquire_used(&f, 1 * MIB);
    struct weir_slot *b = acquire_used(&f, 1 * MIB);
    weir_slots_release(f.slots, a);
    struct weir_slot *c = weir_slots_acquire(other, 0);
    assert_int_equal(weir_slots_commit(other, c, 2 * MIB), WEIR_ERR_LIMIT); // b is in use
    assert_int_equal(weir_slots_commit(other, c, 1 * MIB), 0);
    weir_slots_release(f.slots, b);
    assert_int_equal(weir_slots_commit(other, c, 2 * MIB), 0);
    assert_int_equal(f.budget.high_water_bytes, 2 * MIB);
    weir_slots_release(other, c);
    weir_slots_destroy(&other);
    close_pool(&f);
}

static void contains_knows_the_ranges(void **state)
{
    (void)state;
    struct fixture f;
    open_pool(
        &f, (struct weir_slots_params){.range_bytes = 1 * MIB, .max_slots = 2, .premapped = 1}, 0);
    struct weir_slot *slot = weir_slots_acquire(f.slots, 0);
    assert_true(weir_slots_contains(f.slots, slot->data, 1 * MIB));
    assert_true(weir_slots_contains(f.slots, slot->data + 100, 1));
    assert_false(weir_slots_contains(f.slots, slot->data + 1 * MIB, 1));
    assert_false(weir_slots_contains(f.slots, slot->data + 100, SIZE_MAX));
    assert_false(weir_slots_contains(f.slots, slot->data + 100, 1 * MIB));
    assert_false(weir_slots_contains(f.slots, &f, sizeof(f)));
    assert_false(weir_slots_contains(f.slots, NULL, 0));
    weir_slots_release(f.slots, slot);
    close_pool(&f);
}

// A reader that kept a pointer is found out at once.
static void free_slots_are_poisoned(void **state)
{
    (void)state;
#if defined(WEIR_HAVE_ASAN) && !defined(WEIR_MALLOC_SLOTS)
    struct fixture f;
    open_pool(&f, (struct weir_slots_params){.range_bytes = 1 * MIB, .max_slots = 1}, 0);
    struct weir_slot *slot = acquire_used(&f, 10000);
    uint8_t *data = slot->data;
    assert_false(__asan_address_is_poisoned(data));
    weir_slots_release(f.slots, slot);
    assert_true(__asan_address_is_poisoned(data));
    assert_true(__asan_address_is_poisoned(data + 9999));
    slot = acquire_used(&f, 1);
    assert_ptr_equal(slot->data, data);
    assert_null(__asan_region_is_poisoned(data, 1 * MIB));
    weir_slots_release(f.slots, slot);
    weir_slots_trim(f.slots, 0);
    slot = acquire_used(&f, 20000);
    assert_null(__asan_region_is_poisoned(data, 1 * MIB));
    weir_slots_release(f.slots, slot);
    close_pool(&f);
    assert_false(__asan_address_is_poisoned(data)); // the address space may serve others now
#else
    skip();
#endif
}

struct churn {
    struct fixture *f;
    struct weir_slots *slots;
    unsigned seed;
    int limited;
};

static void *churn_slots(void *arg)
{
    struct churn *c = arg;
    for (int i = 0; i < 3000; i++) {
        c->seed = c->seed * 1664525u + 1013904223u;
        size_t used = (c->seed >> 8) % (256 * 1024) + 1;
        struct weir_slot *slot = weir_slots_acquire(c->slots, used);
        if (!slot)
            continue;
        if (weir_slots_commit(c->slots, slot, used) == 0) {
            slot->data[0] = (uint8_t)c->seed;
            slot->data[used - 1] = (uint8_t)c->seed;
            if (i % 5 == 0)
                weir_slots_shrink(c->slots, slot, used / 2);
            if (slot->data[0] != (uint8_t)c->seed && used > 1)
                abort();
        } else {
            c->limited++;
        }
        weir_slots_release(c->slots, slot);
    }
    return NULL;
}

// Four threads on two pools whose common limit is too low for all of them at once.
static void the_limit_holds_between_threads(void **state)
{
    (void)state;
    struct fixture f;
    struct weir_slots *other;
    const int64_t limit = 600 * 1024;
    struct weir_slots_params params = {.range_bytes = 1 * MIB, .max_slots = 6, .premapped = 3};
    open_pool(&f, params, limit);
    params.budget = &f.budget;
    params.order = WEIR_SLOTS_LIFO;
    assert_int_equal(weir_slots_create(&params, &other), 0);
    struct churn churns[4];
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        churns[i] = (struct churn){&f, i % 2 ? other : f.slots, (unsigned)i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, churn_slots, &churns[i]), 0);
    }
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(f.budget.high_water_bytes <= limit);
    struct weir_slots_stats a = weir_slots_stats(f.slots), b = weir_slots_stats(other);
    assert_int_equal(a.committed_bytes + b.committed_bytes, f.budget.held_bytes);
    assert_int_equal(a.in_use + b.in_use + a.in_use_bytes + b.in_use_bytes, 0);
    weir_slots_destroy(&other);
    close_pool(&f);
}

static void frames_commit_their_size_and_count_the_spare(void **state)
{
    (void)state;
    struct weir_budget budget;
    struct weir_frame_pool *pool;
    weir_budget_init(&budget, 3 * (int64_t)MIB);
    struct weir_frame_pool_params params = {
        .frame_bytes = 1 * MIB, .count = 2, .spare = 2, .budget = &budget};
    assert_int_equal(weir_frame_pool_create(&params, &pool), 0);
    struct weir_slots *slots = weir_frame_pool_slots(pool);
    for (int round = 0; round < 2; round++) {
        struct weir_slot *held[3];
        for (size_t i = 0; i < 3; i++) {
            held[i] = weir_frame_acquire(pool, 1 * MIB);
            assert_non_null(held[i]);
            assert_int_equal((uintptr_t)held[i]->data % 64, 0);
            memset(held[i]->data, 9, 1 * MIB);
        }
        assert_null(weir_frame_acquire(pool, 1)); // the limit
        assert_null(weir_frame_acquire(pool, 1 * MIB + 1));
        assert_int_equal(budget.held_bytes, 3 * MIB);
        for (size_t i = 0; i < 3; i++)
            weir_frame_release(pool, held[i]);
    }
    struct weir_slots_stats stats = weir_slots_stats(slots);
    assert_int_equal(stats.in_use, 0);
    if (KEEPS_FREE_SLOTS)
        assert_in_range(stats.misses, 4, 8); // each use of the spare, refused ones included
    weir_frame_pool_destroy(&pool);
    assert_null(pool);
    weir_frame_pool_destroy(&pool);
    assert_int_equal(budget.held_bytes, 0);
    params.count = 0;
    assert_int_equal(weir_frame_pool_create(&params, &pool), WEIR_ERR_INVAL);
    weir_budget_clear(&budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(senseless_parameters_are_refused),
        cmocka_unit_test(accounts_follow_the_pages),
        cmocka_unit_test(hits_misses_and_exhaustion),
        cmocka_unit_test(best_fit_takes_the_smallest_that_holds_the_hint),
        cmocka_unit_test(lifo_takes_the_last_released),
        cmocka_unit_test(trim_gives_back_the_least_recently_used),
        cmocka_unit_test(the_limit_trims_free_slots_then_refuses),
        cmocka_unit_test(pools_of_one_budget_give_way),
        cmocka_unit_test(contains_knows_the_ranges),
        cmocka_unit_test(free_slots_are_poisoned),
        cmocka_unit_test(the_limit_holds_between_threads),
        cmocka_unit_test(frames_commit_their_size_and_count_the_spare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
