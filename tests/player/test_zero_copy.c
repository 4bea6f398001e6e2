// tests/player/test_zero_copy.c — where the bytes lie: every packet of fragmented MP4 in a segment
// slot, every picture given to the application in a frame slot, from files and from a server.
#include "tests/player/player_test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>

#include "core/segment.h"
#include "player/frame_store.h"
#include "player/session.h"
#include "sim/server.h"
#include "tests/player/media.h"

static void assert_in_slots(struct weir_player *p, const AVFrame *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    assert_non_null(d);
    for (int i = 0; i < AV_NUM_DATA_POINTERS && f->data[i]; i++) {
        int rows = i == 1 || i == 2 ? AV_CEIL_RSHIFT(f->height, d->log2_chroma_h) : f->height;
        assert_true(weir_frame_store_contains(p->frames, f->data[i],
                                              (size_t)f->linesize[i] * (size_t)rows));
    }
}

static void play(const char *url, const char *abr, int frames)
{
    struct weir_player_params params = weir_player_params_default();
    struct weir_player *p = NULL;
    struct weir_player_picture picture;
    struct weir_player_statistics s;
    struct weir_error error = {0};
    int64_t wait_us;
    int shown = 0, r;
    params.url = url;
    params.abr = abr;
    params.untimed = true;
    params.audio_output = WEIR_AUDIO_NULL;
    assert_int_equal(weir_player_create(&params, &p, &error), 0);
    while ((r = weir_player_next_picture(p, &picture, &wait_us)) == 0 || r == WEIR_ERR_AGAIN) {
        if (r == WEIR_ERR_AGAIN) {
            weir_player_wait(p, wait_us);
            continue;
        }
        assert_in_slots(p, picture.frame);
        weir_player_release_picture(p, &picture);
        shown++;
    }
    weir_player_error(p, &error);
    if (r != WEIR_ERR_END)
        fail_msg("%s: %s (%s)", error.where, error.what, error.why);
    assert_int_equal(shown, frames);
    weir_player_statistics(p, &s);
    assert_int_equal(s.foreign_frames, 0);
    assert_int_equal(s.segment_misses + s.frame_misses, 0);
    assert_int_equal(s.copied_demux_bytes + s.copied_decode_bytes + s.copied_render_bytes, 0);
    assert_true(s.copied_net_bytes > 100000);
    weir_player_destroy(&p);
}

static const char *const packagings[] = {"dash-number/manifest.mpd", "dash-timeline/manifest.mpd",
                                         "dash-list/manifest.mpd",   "dash-sidx/manifest.mpd",
                                         "dash-uneven/manifest.mpd", "hls-fmp4/master.m3u8"};
#define PACKAGINGS (sizeof(packagings) / sizeof(packagings[0]))

static void pictures_of_files_lie_in_frame_slots(void **state)
{
    char path[1024];
    (void)state;
    for (size_t i = 0; i < PACKAGINGS; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", MEDIA_FOLDER, packagings[i]);
        play(path, "random:seed=3", 12 * MEDIA_FPS);
    }
}

// Serves the media in a process of its own (a memory file here that gets the number of a file there
// would look like a race to ThreadSanitizer) until `from_parent` closes; writes the URL first.
static void serve(int to_parent, int from_parent)
{
    struct weir_server_params sp;
    struct weir_server *server = NULL;
    struct weir_error error = {0};
    char byte;
    weir_server_params_default(&sp);
    sp.root = MEDIA_FOLDER;
    if (weir_server_start(&sp, &server, &error))
        _exit(1);
    const char *url = weir_server_url(server);
    if (write(to_parent, url, strlen(url)) < 0 || read(from_parent, &byte, 1) < 0)
        _exit(1);
    weir_server_stop(&server);
    _exit(0);
}

static void pictures_of_a_server_lie_in_frame_slots(void **state)
{
    int there[2], back[2], status;
    char base[512], url[1024];
    (void)state;
    assert_true(pipe(there) == 0 && pipe(back) == 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(back[1]);
        serve(there[1], back[0]);
    }
    (void)close(there[1]);
    (void)close(back[0]);
    ssize_t n = read(there[0], base, sizeof(base) - 1);
    assert_true(n > 0);
    base[n] = '\0';
    for (size_t i = 0; i < PACKAGINGS; i++) {
        (void)snprintf(url, sizeof(url), "%s%s", base, packagings[i]);
        play(url, "random:seed=5", 12 * MEDIA_FPS);
    }
    (void)close(there[0]);
    (void)close(back[1]);
    assert_true(waitpid(pid, &status, 0) == pid && status == 0);
}

static int give_up(void *ctx, const struct weir_segment *s, size_t have_bytes)
{
    (void)ctx;
    (void)s;
    (void)have_bytes;
    return -1; // all segments here are complete: nothing is waited for
}

static void read_packets(struct weir_segment_pool *pool, struct weir_timeline *timeline,
                         const struct weir_track *track)
{
    struct weir_copy_counters copies = {0};
    struct weir_error error = {0};
    struct weir_demux *demux = NULL;
    AVPacket *pkt = av_packet_alloc();
    int packets = 0;
    struct weir_demux_params p = {.want = track->type == WEIR_TRACK_VIDEO ? WEIR_DEMUX_VIDEO
                                                                          : WEIR_DEMUX_AUDIO,
                                  .wait = give_up,
                                  .timeline = timeline,
                                  .copies = &copies,
                                  .slots = weir_segment_pool_slots(pool)};
    assert_non_null(pkt);
    assert_int_equal(weir_demux_create(&p, &demux), 0);
    for (int64_t i = 0; i < weir_index_count(&track->representations[0]); i++) {
        size_t size;
        struct weir_media_unit u = media_unit(pool, &track->representations[0], i, (uint64_t)i);
        uint8_t *data = media_bytes(&track->representations[0], i, &size);
        assert_int_equal(weir_segment_append(u.media, data, size), 0);
        weir_segment_finish(u.media, WEIR_SEGMENT_COMPLETE);
        free(data);
        assert_int_equal(weir_demux_begin(demux, &u, &error), 0);
        const uint8_t *first = weir_segment_data(u.media);
        while (!weir_demux_read(demux, pkt, &error)) {
            assert_true(weir_slots_contains(weir_segment_pool_slots(pool), pkt->data,
                                            (size_t)pkt->size + AV_INPUT_BUFFER_PADDING_SIZE));
            assert_true(pkt->data >= first && pkt->data + pkt->size <= first + size); // this one's
            packets++;
        }
        weir_segment_unref(&u.media);
        weir_segment_unref(&u.init);
    }
    assert_true(packets >= 12 * MEDIA_FPS);
    assert_int_equal(copies.demux_bytes, 0);
    av_packet_free(&pkt);
    weir_demux_destroy(&demux);
}

static void packets_lie_in_segment_slots(void **state)
{
    struct weir_budget budget;
    struct weir_segment_pool *pool = NULL;
    struct weir_timeline *timeline = NULL;
    (void)state;
    weir_budget_init(&budget, 0);
    struct weir_segment_pool_params sp = {.budget = &budget};
    assert_int_equal(weir_segment_pool_create(&sp, &pool), 0);
    assert_int_equal(weir_timeline_create(true, &timeline), 0);
    struct weir_presentation *p = media_presentation("dash-number/manifest.mpd");
    for (size_t i = 0; i < p->periods[0].track_count; i++)
        read_packets(pool, timeline, &p->periods[0].tracks[i]);
    weir_presentation_destroy(&p);
    weir_timeline_destroy(&timeline);
    weir_segment_pool_destroy(&pool);
    weir_budget_clear(&budget);
}

int main(void)
{
    if (!media_is_there())
        return 77;
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_lie_in_segment_slots),
        cmocka_unit_test(pictures_of_files_lie_in_frame_slots),
        cmocka_unit_test(pictures_of_a_server_lie_in_frame_slots),
    };
    return cmocka_run_group_tests_name("zero_copy", tests, NULL, NULL);
}
