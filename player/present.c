// player/present.c — which picture is due. Runs on the application's thread, except START and
// seeks, which come from the I/O thread under the player's lock.
//
// The first picture after a start or a seek is due at once, whatever the clock says, and the clock
// begins with it: had it begun at START, the time the decoder takes to its first picture would make
// the next ones late.
#include <libavutil/frame.h>

#include "core/rational.h"
#include "player/session.h"

// A picture this late, with another one due behind it, is dropped. Half a frame at 25 fps: earlier
// would drop pictures that a display at 60 Hz still shows in their turn.
#define LATE_US 20000
// Shown this much before its time: the scheduler's own precision.
#define EARLY_US 1000
// Untimed: the engine learns of progress this often, in media time.
#define UNTIMED_WAKE_US 250000

static bool has_video(const struct weir_player *p)
{
    return !p->params.no_video && p->streams[WEIR_ENGINE_VIDEO] &&
           !p->stream_absent[WEIR_ENGINE_VIDEO];
}

// The first picture is on the screen and the next one waits: the first comes alone and early
// (player/stream.c), and motion that began with it would find nothing behind it.
static bool pictures_ready(const struct weir_player *p, uint32_t generation)
{
    const struct weir_stream *video = p->streams[WEIR_ENGINE_VIDEO];
    if (!p->first_ready || p->ready_generation != generation)
        return false;
    return p->params.untimed || weir_stream_queued(video) > 0 ||
           weir_stream_drained(video, generation);
}

// Under the lock: set the clock going if both START and the first picture have come.
static void begin_if_ready(struct weir_player *p)
{
    uint32_t generation = atomic_load(&p->generation);
    if (!p->start_pending || (has_video(p) && !pictures_ready(p, generation)))
        return;
    int64_t now_us = weir_clock_now_us(&p->clock);
    int64_t media_us = p->start_media_us;
    if (p->first_ready && p->ready_generation == generation && p->ready_pts_us > media_us)
        media_us = p->ready_pts_us;
    p->start_pending = false;
    weir_playclock_set(&p->playclock, now_us, media_us);
    if (!p->params.untimed && !p->status.paused) {
        p->clock_running = true;
        weir_playclock_run(&p->playclock, now_us, true);
        weir_audio_out_run(p->audio, true);
    }
    if (!p->clock_started_event) {
        p->clock_started_event = true;
        p->clock_started_at_us = now_us;
    }
    p->transport->ops->wake(p->transport);
}

void weir_present_start(struct weir_player *p, int64_t media_us)
{
    (void)pthread_mutex_lock(&p->lock);
    p->start_pending = true;
    p->start_media_us = media_us;
    begin_if_ready(p);
    (void)pthread_mutex_unlock(&p->lock);
    weir_wake_signal(&p->app_wake);
}

void weir_present_seek(struct weir_player *p, int64_t media_us, bool keep_buffered)
{
    int64_t now_us = weir_clock_now_us(&p->clock);
    (void)pthread_mutex_lock(&p->lock);
    if (!keep_buffered)
        atomic_fetch_add(&p->generation, 1);
    atomic_store(&p->present_from_us, media_us);
    atomic_store(&p->shown_end_us, WEIR_TIME_NONE);
    p->first_ready = false;
    p->start_pending = p->clock_running = false;
    weir_audio_out_run(p->audio, false);
    if (!keep_buffered)
        weir_audio_out_discard(p->audio);
    weir_playclock_run(&p->playclock, now_us, false);
    weir_playclock_set(&p->playclock, now_us, media_us);
    (void)pthread_mutex_unlock(&p->lock);
    weir_wake_signal(&p->app_wake);
}

static void note_first(struct weir_player *p, uint32_t generation, int64_t pts_us)
{
    (void)pthread_mutex_lock(&p->lock);
    if (!p->first_ready && generation == atomic_load(&p->generation)) {
        p->first_ready = true;
        p->ready_generation = generation;
        p->ready_pts_us = pts_us;
        begin_if_ready(p);
    }
    (void)pthread_mutex_unlock(&p->lock);
    if (atomic_load(&p->first_shown_at_us) == WEIR_TIME_NONE) {
        atomic_store(&p->first_shown_pts_us, pts_us);
        atomic_store(&p->first_shown_at_us, weir_clock_now_us(&p->clock));
        p->transport->ops->wake(p->transport);
    }
}

// Before the picture is handed out: is it the first one to be shown since START or a seek?
static bool is_first(struct weir_player *p)
{
    (void)pthread_mutex_lock(&p->lock);
    bool first = !p->first_ready;
    (void)pthread_mutex_unlock(&p->lock);
    return first;
}

static int hand_out(struct weir_player *p, struct weir_stream_picture *s,
                    struct weir_player_picture *out)
{
    struct weir_stream *stream = p->streams[WEIR_ENGINE_VIDEO];
    weir_stream_take(stream, s);
    *out = (struct weir_player_picture){
        .frame = s->frame, .pts_us = s->pts_us, .rotation = s->rotation, .handle = s->frame};
    atomic_fetch_add(&p->delivered, 1);
    atomic_store(&p->shown_end_us, s->pts_us + s->duration_us);
    bool far = p->params.untimed && s->pts_us - p->last_wake_media_us >= UNTIMED_WAKE_US;
    if (far || s->pts_us < p->last_wake_media_us) {
        p->last_wake_media_us = s->pts_us;
        p->transport->ops->wake(p->transport);
    }
    if (weir_stream_drained(stream, s->generation))
        p->transport->ops->wake(p->transport); // that was the last one
    return 0;
}

static void skip(struct weir_player *p, struct weir_stream_picture *s)
{
    weir_stream_take(p->streams[WEIR_ENGINE_VIDEO], s);
    weir_stream_return(p->streams[WEIR_ENGINE_VIDEO], s->frame);
}

// Too late to matter: past its time, and past the time of the next one.
static bool too_late(int64_t clock_us, const struct weir_stream_picture *s)
{
    int64_t length_us = s->duration_us > LATE_US ? s->duration_us : LATE_US;
    return clock_us - s->pts_us > length_us + LATE_US;
}

static int due_picture(struct weir_player *p, struct weir_player_picture *out, int64_t *wait_us)
{
    struct weir_stream *stream = p->streams[WEIR_ENGINE_VIDEO];
    struct weir_stream_picture s;
    (void)pthread_mutex_lock(&p->lock);
    begin_if_ready(p);
    (void)pthread_mutex_unlock(&p->lock);
    while (weir_stream_peek(stream, &s)) {
        int64_t length_us = s.duration_us > 0 ? s.duration_us : 1;
        bool stale = s.generation != atomic_load(&p->generation) ||
                     s.pts_us + length_us <= atomic_load(&p->present_from_us);
        if (stale) {
            skip(p, &s);
            continue;
        }
        if (is_first(p)) {
            note_first(p, s.generation, s.pts_us);
            return hand_out(p, &s, out);
        }
        if (p->params.untimed)
            return hand_out(p, &s, out);
        bool running;
        int64_t clock_us =
            weir_playclock_now(&p->playclock, weir_clock_now_us(&p->clock), &running);
        int64_t early_us = s.pts_us - clock_us;
        if (early_us > EARLY_US) {
            int rate = weir_playclock_rate_permille(&p->playclock);
            *wait_us = running ? weir_rescale(early_us, 1000, rate) : -1;
            return WEIR_ERR_AGAIN;
        }
        // The last one in the queue is shown however late: a slow decoder gives a slow picture, not
        // none.
        if (!too_late(clock_us, &s) || weir_stream_queued(stream) < 2)
            return hand_out(p, &s, out);
        skip(p, &s);
        atomic_fetch_add(&p->dropped, 1);
    }
    *wait_us = -1;
    return WEIR_ERR_AGAIN;
}

int weir_player_next_picture(struct weir_player *p, struct weir_player_picture *out,
                             int64_t *wait_us)
{
    (void)pthread_mutex_lock(&p->lock);
    bool over = p->over;
    int err = p->error.code;
    (void)pthread_mutex_unlock(&p->lock);
    *wait_us = -1;
    if (over)
        return err ? err : WEIR_ERR_END;
    return p->streams[WEIR_ENGINE_VIDEO] ? due_picture(p, out, wait_us) : WEIR_ERR_AGAIN;
}

void weir_player_release_picture(struct weir_player *p, struct weir_player_picture *picture)
{
    weir_stream_return(p->streams[WEIR_ENGINE_VIDEO], picture->handle);
    *picture = (struct weir_player_picture){0};
}

void weir_player_wait(struct weir_player *p, int64_t timeout_us)
{
    (void)weir_pace_sleep(p->pace, WEIR_PACE_APP, &p->app_wake, timeout_us);
}
