// cli/control.c — see control.h. Keys come from two places and mean the same in both (cli/keys.c).
#include "cli/control.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/keys.h"
#include "cli/stats.h"
#include "cli/terminal.h"
#include "core/clock.h"

#define STATUS_EVERY_US  100000
#define OVERLAY_EVERY_US 500000
#define NOTE_US          2000000
#define STATS_SHOW_US    4000000 // mpv's
#define ESCAPE_IDLE_US   50000
#define VOLUME_MAX       130

static int64_t now_us(void)
{
    struct weir_clock clock = weir_clock_monotonic();
    return weir_clock_now_us(&clock);
}

static void say(struct weir_control *c, const char *note)
{
    c->note = note;
    c->note_until_us = now_us() + NOTE_US;
    c->status_at_us = 0;
}

// --- commands ---

static void seek_by(struct weir_control *c, const struct weir_player_status *s, int64_t by_us)
{
    // Keys faster than the player: each counts from where the last one went.
    int64_t now = now_us();
    int64_t from_us = now < c->seek_until_us ? c->seek_target_us : s->position_us;
    int64_t to_us = from_us + by_us;
    if (to_us < 0)
        to_us = 0;
    if (s->duration_us != WEIR_TIME_NONE && to_us > s->duration_us)
        to_us = s->duration_us;
    c->seek_target_us = to_us;
    c->seek_until_us = now + 500000;
    weir_player_seek(c->player, to_us);
}

static void hold_rung(struct weir_control *c, const struct weir_player_status *s, int64_t by)
{
    // Steps count from what is held, not from what is being fetched meanwhile.
    size_t rung = s->rung_held ? c->held_rung : s->rung;
    if (by > 0 && rung + 1 < s->rung_count)
        rung++;
    if (by < 0 && rung > 0)
        rung--;
    c->held_rung = rung;
    weir_player_hold_rung(c->player, rung);
    (void)snprintf(c->rung_note, sizeof(c->rung_note), "rung %zu/%zu from the next segment fetched",
                   rung + 1, s->rung_count);
    say(c, c->rung_note);
}

static void set_volume(struct weir_control *c, int64_t by)
{
    c->volume_percent += (int)by;
    c->volume_percent = c->volume_percent < 0            ? 0
                        : c->volume_percent > VOLUME_MAX ? VOLUME_MAX
                                                         : c->volume_percent;
    weir_player_volume(c->player, c->volume_percent, c->muted);
    say(c, "volume");
}

static void toggle_fullscreen(struct weir_control *c, bool leave_only)
{
    struct weir_video_sink *v = c->outputs->video;
    if (!v->ops->set_fullscreen || !v->ops->fullscreen)
        return;
    bool on = v->ops->fullscreen(v);
    if (on || !leave_only)
        v->ops->set_fullscreen(v, !on);
}

static void screenshot(struct weir_control *c)
{
    struct weir_video_sink *v = c->outputs->video;
    if (!v->ops->screenshot) {
        say(c, "no picture to save");
        return;
    }
    for (; c->screenshots < 9999; c->screenshots++) {
        (void)snprintf(c->screenshot_path, sizeof(c->screenshot_path), "weir-shot%04d.png",
                       c->screenshots + 1);
        if (access(c->screenshot_path, F_OK))
            break;
    }
    struct weir_error error = {0};
    say(c, v->ops->screenshot(v, c->screenshot_path, &error) ? "cannot save the picture"
                                                             : c->screenshot_path);
}

static void change_speed(struct weir_control *c, const struct weir_player_status *s,
                         int64_t permille)
{
    weir_player_rate(c->player, permille ? (int)(s->rate_permille * permille / 1000) : 1000);
}

static void run_command(struct weir_control *c, const struct weir_key_binding *k)
{
    struct weir_player_status s;
    weir_player_status(c->player, &s);
    switch (k->command) {
    case WEIR_COMMAND_NONE:
        break;
    case WEIR_COMMAND_PAUSE:
        c->paused = !c->paused;
        weir_player_pause(c->player, c->paused);
        break;
    case WEIR_COMMAND_SEEK:
        seek_by(c, &s, k->amount);
        break;
    case WEIR_COMMAND_SPEED:
        change_speed(c, &s, k->amount);
        break;
    case WEIR_COMMAND_SPEED_RESET:
        change_speed(c, &s, 0);
        break;
    case WEIR_COMMAND_VOLUME:
        set_volume(c, k->amount);
        break;
    case WEIR_COMMAND_MUTE:
        c->muted = !c->muted;
        set_volume(c, 0);
        break;
    case WEIR_COMMAND_FULLSCREEN:
        toggle_fullscreen(c, false);
        break;
    case WEIR_COMMAND_LEAVE_FULLSCREEN:
        toggle_fullscreen(c, true);
        break;
    case WEIR_COMMAND_SUBTITLES:
        say(c, "no subtitles yet");
        break;
    case WEIR_COMMAND_AUDIO_TRACK:
        say(c, "choose the audio track with --audio-id or --alang");
        break;
    case WEIR_COMMAND_STATS_SHOW:
        c->overlay = true;
        c->overlay_until_us = now_us() + STATS_SHOW_US;
        c->overlay_at_us = 0;
        break;
    case WEIR_COMMAND_STATS_TOGGLE:
        c->overlay = !c->overlay || c->overlay_until_us > 0;
        c->overlay_until_us = 0;
        c->overlay_at_us = 0;
        break;
    case WEIR_COMMAND_SCREENSHOT:
        screenshot(c);
        break;
    case WEIR_COMMAND_RUNG:
        hold_rung(c, &s, k->amount);
        break;
    case WEIR_COMMAND_RUNG_AUTO:
        weir_player_auto_rung(c->player);
        say(c, "adapting");
        break;
    case WEIR_COMMAND_QUIT:
        c->quit = true;
        break;
    }
}

static void press(struct weir_control *c, uint32_t key)
{
    const struct weir_key_binding *k = key ? weir_key_lookup(key) : NULL;
    if (k && c->player)
        run_command(c, k);
}

// --- listening ---

static void hear_window(struct weir_control *c)
{
    struct weir_video_sink *v = c->outputs->video;
    if (!v || !v->ops->poll)
        return;
    for (;;) {
        struct weir_input in = v->ops->poll(v, 0);
        if (in.kind == WEIR_INPUT_NONE)
            return;
        if (in.kind == WEIR_INPUT_QUIT)
            c->quit = true;
        if (in.kind == WEIR_INPUT_KEY)
            press(c, in.key);
    }
}

static void hear_terminal(struct weir_control *c)
{
    uint8_t bytes[64];
    size_t n = c->keys ? weir_terminal_read(bytes, sizeof(bytes)) : 0;
    for (size_t i = 0; i < n; i++)
        press(c, weir_key_decoder_feed(&c->decoder, bytes[i]));
    int64_t now = now_us();
    if (n > 0)
        c->typed_at_us = now;
    else if (now - c->typed_at_us > ESCAPE_IDLE_US)
        press(c, weir_key_decoder_idle(&c->decoder));
    if (c->keys && weir_terminal_resumed())
        c->status_at_us = 0;
}

// --- showing ---

static struct weir_status_view status_view(const struct weir_control *c,
                                           const struct weir_player_status *s)
{
    return (struct weir_status_view){.position_us = s->opened ? s->position_us : WEIR_TIME_NONE,
                                     .duration_us = s->duration_us,
                                     .rung = s->rung,
                                     .rung_count = s->rung_count,
                                     .height = s->height,
                                     .bitrate_bps = s->bitrate_bps,
                                     .buffer_us = s->buffer_us,
                                     .buffer_max_us = s->buffer_max_us,
                                     .throughput_bps = s->throughput_bps,
                                     .dropped = s->frames_dropped,
                                     .paused = s->paused,
                                     .stalled = s->stalled,
                                     .starting = s->starting || !s->opened,
                                     .rung_held = s->rung_held,
                                     .rate_permille = s->rate_permille,
                                     .volume_percent = c->volume_percent,
                                     .muted = c->muted,
                                     .note = c->note};
}

static void show_overlay(struct weir_control *c, const struct weir_player_status *s, int64_t now)
{
    struct weir_video_sink *v = c->outputs->video;
    c->overlay_at_us = now;
    if (c->overlay_until_us > 0 && now > c->overlay_until_us)
        c->overlay = false;
    if (!c->overlay) { // a still picture says by itself neither that it waits nor for what
        if (s->stalled || c->overlay_drawn)
            v->ops->set_overlay(v, s->stalled ? "buffering" : NULL);
        c->overlay_drawn = s->stalled;
        return;
    }
    struct weir_player_statistics f;
    weir_player_statistics(c->player, &f);
    struct weir_stats_view view = {.status = status_view(c, s),
                                   .title = c->options->title ? c->options->title
                                                              : c->options->player.url,
                                   .video_codec = s->codec[0] ? s->codec : NULL,
                                   .abr = c->options->player.abr,
                                   .width = s->width,
                                   .height = s->height,
                                   .startup_us = f.startup_us,
                                   .stall_count = f.stall_count,
                                   .stall_us = f.stall_us,
                                   .switch_count = f.switch_count,
                                   .delivered = s->frames_delivered,
                                   .audio_buffer_us = WEIR_TIME_NONE,
                                   .segment_hits = f.segment_hits,
                                   .segment_misses = f.segment_misses,
                                   .frame_hits = f.frame_hits,
                                   .frame_misses = f.frame_misses,
                                   .foreign_frames = f.foreign_frames,
                                   .held_bytes = s->pool_held_bytes,
                                   .high_water_bytes = s->pool_high_water_bytes,
                                   .limit_bytes = c->options->player.memory_limit_bytes,
                                   .net_bytes = f.copied_net_bytes,
                                   .demux_bytes = f.copied_demux_bytes,
                                   .decode_bytes = f.copied_decode_bytes,
                                   .render_bytes = f.copied_render_bytes};
    char text[WEIR_STATS_MAX_BYTES];
    (void)weir_stats_format(&view, text);
    v->ops->set_overlay(v, text);
    c->overlay_drawn = true;
}

static void show(struct weir_control *c)
{
    int64_t now = now_us();
    bool due = c->line.enabled && now - c->status_at_us >= STATUS_EVERY_US;
    struct weir_video_sink *v = c->outputs->video;
    bool overlay = v && v->ops->set_overlay && now - c->overlay_at_us >= OVERLAY_EVERY_US;
    if (!due && !overlay)
        return;
    struct weir_player_status s;
    weir_player_status(c->player, &s);
    if (c->note && now > c->note_until_us)
        c->note = NULL;
    if (due) {
        struct weir_status_view view = status_view(c, &s);
        weir_status_line_draw(&c->line, &view);
        c->status_at_us = now;
    }
    if (overlay)
        show_overlay(c, &s, now);
}

// The screensaver sleeps while pictures move.
static void keep_awake(struct weir_control *c)
{
    struct weir_video_sink *v = c->outputs->video;
    if (!v || !v->ops->set_playing)
        return;
    struct weir_player_status s;
    weir_player_status(c->player, &s);
    bool playing = s.opened && !s.paused && !s.ended;
    if (playing != c->playing)
        v->ops->set_playing(v, playing);
    c->playing = playing;
}

// --- lifecycle ---

void weir_control_open(struct weir_control *c, const struct weir_play_options *o,
                       struct weir_outputs *outputs)
{
    c->options = o;
    c->outputs = outputs;
    c->volume_percent = 100;
    c->overlay = o->stats;
    c->keys = !o->virtual_time && weir_terminal_open(); // keys come in real time
    bool machine = o->events_path && !strcmp(o->events_path, "/dev/stderr");
    if (!o->quiet && !o->verbose && !machine)
        weir_status_line_init(&c->line, STDERR_FILENO);
}

void weir_control_attach(struct weir_control *c, struct weir_player *player)
{
    c->player = player;
    c->paused = false;
    weir_player_volume(player, c->volume_percent, c->muted);
}

void weir_control_detach(struct weir_control *c)
{
    if (c->line.enabled) {
        c->status_at_us = 0;
        show(c); // the last state stays on the screen
        weir_status_line_finish(&c->line);
    }
    c->player = NULL;
}

void weir_control_close(struct weir_control *c)
{
    if (c->keys)
        weir_terminal_restore();
    c->keys = false;
}

bool weir_control_poll(struct weir_control *c)
{
    hear_window(c);
    hear_terminal(c);
    show(c);
    keep_awake(c);
    return c->quit;
}

bool weir_control_wants_input(const struct weir_control *c)
{
    return c->keys || (c->outputs->video && c->outputs->video->ops->poll) || c->line.enabled;
}
