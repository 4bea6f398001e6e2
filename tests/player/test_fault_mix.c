// tests/player/test_fault_mix.c — servers that misbehave in seeded mixtures: every kind of fault,
// alone and together, on manifest, init and media, at one of two base URLs and at both. Real
// manifest and segments, the live session's own code, a trace, virtual time; segments are parsed
// for what is playable and not decoded. A seed counts where a segment was parsed. One that fails is
// printed with the command that replays it.
#include "tests/player/player_test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/rng.h"
#include "player/inject.h"
#include "sim/shaped.h"
#include "tests/player/media.h"

#define COUNTED       2000
#define SEEDS_MAX     6000
#define FAULTS_MAX    3
#define REAL_S        60   // for one seed, on any machine
#define VIRTUAL_MAX_S 1800 // 12 s of media with every retry there is

struct mix {
    uint64_t seed;
    struct weir_trace *trace;
    char trace_text[192];
    struct weir_faults faults;
    char specs[FAULTS_MAX][256];
    bool other_server_whole; // no fault can strike the manifest or the second server
    // What happened.
    int64_t segments;
    double last_t;
    bool ended;
    struct weir_error error;
    bool opened;
};

static char folder[64];    // manifest.mpd, and a/ and b/, two servers with the same files
static char current[64];   // the seed under way, for the alarm
static uint64_t only_seed; // WEIR_FAULT_SEED: this one alone
static bool has_only_seed;

// --- the mixture ---

// What a spec may be meant for, and whether the second server may be struck by it.
static const struct target {
    const char *match;
    bool spares_second;
} targets[] = {
    {"a/*.m4s", true},     {"a/v*.m4s", true},      {"a/a*.m4s", true}, {"a/*init.mp4", true},
    {"a/*", true},         {"*.m4s", false},        {"v2*.m4s", false}, {"*init.mp4", false},
    {"v*init.mp4", false}, {"manifest.mpd", false},
};

static void write_spec(struct mix *m, struct weir_rng *r, size_t i)
{
    static const char *const kinds[] = {"status", "reset",   "truncate", "stall",
                                        "slow",   "corrupt", "refuse"};
    static const int codes[] = {404, 403, 429, 500, 503};
    static const char *const at[] = {"", ",at=0", ",at=1", ",at=700", ",at=20000"};
    const struct target *t = &targets[weir_rng_below(r, sizeof(targets) / sizeof(targets[0]))];
    const char *kind = kinds[weir_rng_below(r, sizeof(kinds) / sizeof(kinds[0]))];
    bool takes_at = strcmp(kind, "status") != 0 && strcmp(kind, "refuse") != 0;
    char count[32] = "", own[32] = "";
    if (weir_rng_below(r, 2))
        (void)snprintf(count, sizeof(count), ",count=%d", 1 + (int)weir_rng_below(r, 6));
    if (strcmp(kind, "status") == 0)
        (void)snprintf(own, sizeof(own), ",code=%d", codes[weir_rng_below(r, 5)]);
    else if (strcmp(kind, "stall") == 0 && weir_rng_below(r, 2))
        (void)snprintf(own, sizeof(own), ",for=%d", 1 + (int)weir_rng_below(r, 20));
    else if (strcmp(kind, "slow") == 0)
        (void)snprintf(own, sizeof(own), ",rate=%d", 4000 << weir_rng_below(r, 8));
    (void)snprintf(m->specs[i], sizeof(m->specs[i]),
                   "%s:match=%s,from=%d,every=%d,p=%s,seed=%d%s%s%s", kind, t->match,
                   1 + (int)weir_rng_below(r, 4), 1 + (int)weir_rng_below(r, 4),
                   weir_rng_below(r, 3) ? "1" : "0.5", (int)weir_rng_below(r, 1000), count, own,
                   takes_at ? at[weir_rng_below(r, 5)] : "");
    m->other_server_whole = m->other_server_whole && t->spares_second;
}

static void make_mix(struct mix *m, uint64_t seed)
{
    struct weir_rng r;
    struct weir_error e = {0};
    *m = (struct mix){.seed = seed, .other_server_whole = true};
    weir_rng_seed(&r, seed);
    size_t count = 1 + weir_rng_below(&r, FAULTS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct weir_fault_spec spec;
        write_spec(m, &r, i);
        if (weir_fault_parse(m->specs[i], &spec, &e))
            fail_msg("seed %llu: %s: %s", (unsigned long long)seed, m->specs[i], e.what);
        assert_int_equal(weir_faults_add(&m->faults, &spec), 0);
    }
    (void)snprintf(m->trace_text, sizeof(m->trace_text),
                   "[{\"duration_ms\":3000,\"bandwidth_kbps\":%d,\"latency_ms\":%d},"
                   "{\"duration_ms\":2000,\"bandwidth_kbps\":%d,\"latency_ms\":20}]",
                   300 << weir_rng_below(&r, 4), 5 * (int)weir_rng_below(&r, 20),
                   200 << weir_rng_below(&r, 5));
    assert_int_equal(weir_trace_parse(m->trace_text, strlen(m->trace_text), "trace", &m->trace, &e),
                     0);
}

// --- one session ---

static void on_event(void *ctx, const char *json)
{
    struct mix *m = ctx;
    const char *t = strstr(json, "\"t\":");
    if (t)
        m->last_t = strtod(t + 4, NULL);
    if (strstr(json, "\"event\":\"segment\""))
        m->segments++;
}

static int wrap(void *ctx, const struct weir_inject_session *session,
                struct weir_transport **transport, struct weir_error *error)
{
    const struct mix *m = ctx;
    struct weir_shaped_params p = {
        .trace = m->trace,
        .link = {.kind = WEIR_LINK_TCP, .rtt_us = WEIR_TIME_NONE},
        .clock = session->clock,
        .pace = session->pace,
        .copies = session->copies,
        .faults = &m->faults,
    };
    struct weir_transport *inner = *transport;
    return weir_shaped_transport_create(&p, &inner, transport, error);
}

static void play(struct mix *m)
{
    char url[128];
    struct weir_player *player = NULL;
    struct weir_player_picture picture;
    struct weir_player_params p = weir_player_params_default();
    struct weir_inject inject = {
        .host = "replay", .virtual_time = true, .no_decode = true, .wrap = wrap, .ctx = m};
    (void)snprintf(url, sizeof(url), "%s/manifest.mpd", folder);
    p.url = url;
    p.abr = m->seed % 2 ? "weir" : "throughput";
    p.audio_output = WEIR_AUDIO_NULL;
    p.threads = 1;
    p.event = on_event;
    p.event_ctx = m;
    if (weir_player_create_injected(&p, &inject, &player, &m->error))
        return;
    int err;
    int64_t wait_us = 0;
    while ((err = weir_player_next_picture(player, &picture, &wait_us)) != WEIR_ERR_END) {
        if (err == 0)
            weir_player_release_picture(player, &picture);
        else if (err == WEIR_ERR_AGAIN)
            weir_player_wait(player, wait_us);
        else
            break;
    }
    struct weir_player_status status;
    weir_player_status(player, &status);
    weir_player_error(player, &m->error);
    m->ended = err == WEIR_ERR_END && !m->error.code;
    m->opened = status.opened;
    weir_player_destroy(&player);
}

// --- the verdict ---

static const char *wrong(const struct mix *m)
{
    if (m->last_t > VIRTUAL_MAX_S)
        return "it took too long";
    if (m->ended)
        return NULL;
    if (!m->error.code || !m->error.what[0])
        return "it ended without a cause";
    if (m->error.code == WEIR_ERR_NOMEM || m->error.code == WEIR_ERR_INVAL)
        return "it ended by a fault of its own";
    if (m->segments && !m->opened)
        return "it ended as if it had never begun: exit 3, not 5";
    return m->other_server_whole ? "it ended, though all was to be had from the second server"
                                 : NULL;
}

static void show(const struct mix *m, const char *what)
{
    (void)printf("seed %llu: %s (%s: %s; at %.1f s of virtual time, %lld segments)\n",
                 (unsigned long long)m->seed, what, m->error.where, m->error.what, m->last_t,
                 (long long)m->segments);
    for (size_t i = 0; i < m->faults.count; i++)
        (void)printf("  --fault '%s'\n", m->specs[i]);
    (void)printf("  trace: %s\n  again: WEIR_FAULT_SEED=%llu test_player_fault_mix\n",
                 m->trace_text, (unsigned long long)m->seed);
}

static void on_alarm(int signal)
{
    static const char text[] = "no end in real time: WEIR_FAULT_SEED=";
    (void)signal;
    (void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
    (void)!write(STDOUT_FILENO, current, strlen(current));
    _exit(1);
}

// True: a segment was parsed.
static bool one(uint64_t seed, int *failures, int *to_the_end)
{
    struct mix m;
    (void)snprintf(current, sizeof(current), "%llu test_player_fault_mix\n",
                   (unsigned long long)seed);
    make_mix(&m, seed);
    (void)alarm(REAL_S);
    play(&m);
    (void)alarm(0);
    weir_trace_destroy(&m.trace);
    const char *what = wrong(&m);
    if (what || has_only_seed)
        show(&m, what ? what : m.ended ? "played to the end" : "ended as it should");
    *failures += what != NULL;
    *to_the_end += m.segments > 0 && m.ended;
    return m.segments > 0;
}

static void mixtures_end_well(void **state)
{
    int failures = 0, counted = 0, to_the_end = 0;
    uint64_t seed = 1;
    (void)state;
    if (!media_is_there())
        skip();
    if (has_only_seed) {
        (void)one(only_seed, &failures, &to_the_end);
        assert_int_equal(failures, 0);
        return;
    }
    for (; counted < COUNTED && seed <= SEEDS_MAX; seed++)
        counted += one(seed, &failures, &to_the_end);
    (void)printf("%d mixtures counted, of %llu: %d played to the end\n", counted,
                 (unsigned long long)(seed - 1), to_the_end);
    assert_int_equal(failures, 0);
    assert_int_equal(counted, COUNTED);
}

// --- two servers ---

static int set_up(void **state)
{
    char path[128];
    size_t size;
    (void)state;
    if (access(MEDIA_FOLDER "/dash-number/manifest.mpd", R_OK))
        return 0;
    (void)snprintf(folder, sizeof(folder), "/tmp/weir-fault-mix-XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (const char *server = "ab"; *server; server++) {
        (void)snprintf(path, sizeof(path), "%s/%c", folder, *server);
        assert_int_equal(symlink(MEDIA_FOLDER "/dash-number", path), 0);
    }
    uint8_t *text = media_file("dash-number/manifest.mpd", &size);
    text[size] = '\0'; // media_file() leaves room for it
    char *at = strstr((char *)text, "<Period");
    assert_non_null(at);
    (void)snprintf(path, sizeof(path), "%s/manifest.mpd", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f, "%.*s<BaseURL>a/</BaseURL><BaseURL>b/</BaseURL>%s", (int)(at - (char *)text),
                  (char *)text, at);
    assert_int_equal(fclose(f), 0);
    free(text);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"a", "b", "manifest.mpd"};
    char path[128];
    (void)state;
    for (size_t i = 0; folder[0] && i < 3; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return folder[0] ? rmdir(folder) : 0;
}

int main(void)
{
    const char *seed = getenv("WEIR_FAULT_SEED");
    has_only_seed = seed && *seed;
    only_seed = has_only_seed ? strtoull(seed, NULL, 10) : 0;
    (void)signal(SIGALRM, on_alarm);
    const struct CMUnitTest tests[] = {cmocka_unit_test(mixtures_end_well)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
