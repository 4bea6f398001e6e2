// cli/play.c — `weir play`: opens the outputs, runs the player, and is its application thread:
// pictures to the window when they are due, keys to commands, a status line.
#include "cli/play.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/log.h>

#include "cli/control.h"
#include "cli/outputs.h"
#include "cli/play_options.h"
#include "cli/quiet.h"
#include "cli/report.h"
#include "cli/simulation.h"
#include "core/clock.h"

// With keys to hear, the loop looks this often; without, it sleeps until something happens.
#define INPUT_POLL_US   10000
#define HEADLESS_NAP_US 500000

static volatile sig_atomic_t interrupted;

static void on_signal(int signo)
{
    interrupted = signo;
}

static void catch_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    (void)sigaction(SIGHUP, &sa, NULL);
}

// When this process began, on CLOCK_MONOTONIC: events count from exec. The kernel tells it to 10
// ms.
static int64_t exec_time_us(void)
{
    struct weir_clock clock = weir_clock_monotonic();
    int64_t now_us = weir_clock_now_us(&clock);
    struct timespec boot;
    char line[1024];
    FILE *f = fopen("/proc/self/stat", "re");
    if (!f || clock_gettime(CLOCK_BOOTTIME, &boot)) {
        if (f)
            (void)fclose(f);
        return now_us;
    }
    size_t n = fread(line, 1, sizeof(line) - 1, f);
    (void)fclose(f);
    line[n] = '\0';
    const char *at = strrchr(line, ')'); // field 2 may hold blanks; starttime is field 22 (proc(5))
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    long ticks = sysconf(_SC_CLK_TCK);
    if (!at || ticks <= 0)
        return now_us;
    int64_t start_us = strtoll(at, NULL, 10) * (WEIR_SECOND_US / ticks);
    int64_t boot_us = (int64_t)boot.tv_sec * WEIR_SECOND_US + boot.tv_nsec / 1000;
    int64_t age_us = boot_us - start_us;
    return age_us >= 0 && age_us < 10 * WEIR_SECOND_US ? now_us - age_us : now_us;
}

static void log_line(void *ctx, enum weir_log_level level, const char *line)
{
    static const char *const names[] = {"error", "warn", "info", "debug", "trace"};
    (void)ctx;
    (void)fprintf(stderr, "%s: %s\n", names[level], line);
}

// What one run of the loop needs.
struct run {
    struct weir_play_options *options;
    struct weir_outputs outputs;
    struct weir_player *player;
    struct weir_control control;
    struct weir_simulation simulation;
    bool shown;              // a picture was
    struct weir_error error; // of an output
};

static int64_t nap_us(const struct run *r, int64_t wait_us)
{
    int64_t most_us = weir_control_wants_input(&r->control) ? INPUT_POLL_US : HEADLESS_NAP_US;
    return wait_us < 0 || wait_us > most_us ? most_us : wait_us;
}

// The window opens in the size of the largest rung, not of the one that playback starts with.
static void expect_size(struct run *r)
{
    struct weir_player_status s;
    weir_player_status(r->player, &s);
    if (r->outputs.video->ops->expect && s.max_width > 0)
        r->outputs.video->ops->expect(r->outputs.video, s.max_width, s.max_height);
    r->shown = true;
}

// Play to the end. 0, or why it ended: CANCELLED after q or a signal.
static int play_pictures(struct run *r)
{
    for (;;) {
        if (interrupted || weir_control_poll(&r->control))
            return WEIR_ERR_CANCELLED;
        struct weir_player_picture picture;
        int64_t wait_us;
        int err = weir_player_next_picture(r->player, &picture, &wait_us);
        if (err == WEIR_ERR_AGAIN) {
            weir_player_wait(r->player, nap_us(r, wait_us));
            continue;
        }
        if (err)
            return err == WEIR_ERR_END ? 0 : err;
        if (!r->shown)
            expect_size(r);
        int64_t copied_before = atomic_load(&r->outputs.copies.render_bytes);
        err = weir_outputs_picture(&r->outputs, &picture, &r->error);
        weir_player_count_render_copy(r->player,
                                      atomic_load(&r->outputs.copies.render_bytes) - copied_before);
        weir_player_release_picture(r->player, &picture);
        if (err)
            return err;
    }
}

// --keep-open: the last picture stays until the user leaves.
static void keep_open(struct run *r)
{
    while (!interrupted && !weir_control_poll(&r->control))
        weir_player_wait(r->player, INPUT_POLL_US);
}

static int write_summary(struct run *r, struct weir_error *error)
{
    if (!r->options->summary_path)
        return 0;
    char *text = weir_player_summary(r->player);
    int err = text ? weir_outputs_document(r->options->summary_path, text, error) : WEIR_ERR_NOMEM;
    free(text);
    return err;
}

// Playback is over or must end: wait for the I/O thread's last word.
static void stop_player(struct run *r)
{
    struct weir_player_picture picture;
    int64_t wait_us;
    weir_player_stop(r->player);
    for (;;) {
        int err = weir_player_next_picture(r->player, &picture, &wait_us);
        if (err == 0)
            weir_player_release_picture(r->player, &picture);
        else if (err != WEIR_ERR_AGAIN)
            return;
        else
            weir_player_wait(r->player, INPUT_POLL_US);
    }
}

// Prints what went wrong and returns the exit code.
static int conclude(struct run *r, int err)
{
    struct weir_player_status status;
    struct weir_error error = r->error;
    weir_player_status(r->player, &status);
    if (!error.code)
        weir_player_error(r->player, &error);
    if (r->error.code == WEIR_ERR_OUTPUT) { // a file that is not whole, however playback ended
        weir_cli_print_error(&r->error);
        return WEIR_EXIT_OUTPUT;
    }
    if (err == WEIR_ERR_CANCELLED || (err && error.code == WEIR_ERR_CANCELLED))
        return interrupted ? WEIR_EXIT_INTERRUPTED : WEIR_EXIT_OK; // q is a wish fulfilled
    if (!error.code && !err)
        return WEIR_EXIT_OK;
    if (!error.code)
        weir_error_set(&error, err, r->options->player.url, "%s", weir_strerror(err));
    weir_cli_print_error(&error);
    return weir_cli_exit_code(error.code, status.opened);
}

static int play_once(struct run *r, bool last)
{
    struct weir_error error = {0};
    if (weir_player_create_injected(&r->options->player, &r->simulation.inject, &r->player,
                                    &error)) {
        weir_cli_print_error(&error);
        return weir_cli_exit_code(error.code, false);
    }
    if (!r->outputs
             .video) { // the first time: the stream is opening already while the window comes up
        int err = weir_outputs_open_video(&r->outputs, r->options, &r->error);
        if (err) {
            weir_cli_print_error(&r->error);
            weir_player_destroy(&r->player);
            return weir_cli_exit_code(err, true);
        }
        weir_control_open(&r->control, r->options, &r->outputs);
    }
    weir_control_attach(&r->control, r->player);
    int err = play_pictures(r);
    if (!err && last && r->options->keep_open)
        keep_open(r);
    weir_control_detach(&r->control);
    stop_player(r);
    struct weir_error later = {0}; // the first failure is the one to tell
    int failed = write_summary(r, &later);
    if (last && !failed)
        failed = weir_outputs_finish(&r->outputs, r->options, &later);
    if (failed && !r->error.code)
        r->error = later;
    int code = conclude(r, err ? err : failed);
    if (r->outputs.video->ops->release)
        r->outputs.video->ops->release(r->outputs.video);
    weir_player_destroy(&r->player);
    return code;
}

int weir_cli_play(int argc, char **argv)
{
    struct weir_play_options options;
    int code;
    if (weir_play_options_parse(argc, argv, &options, &code))
        return code;
    struct run r = {.options = &options};
    options.player.t0_us = options.virtual_time ? 0 : exec_time_us();
    if (options.verbose) {
        av_log_set_level(AV_LOG_WARNING);
        r.outputs.log = (struct weir_log){.write = log_line, .level = WEIR_LOG_DEBUG};
        options.player.log = r.outputs.log;
    }
    if (!options.verbose)
        weir_quiet_libraries();
    if (options.events_path) {
        options.player.event = weir_outputs_event;
        options.player.event_ctx = &r.outputs;
    }
    catch_signals();
    if (weir_simulation_open(&r.simulation, &options, &r.error)) {
        weir_cli_print_error(&r.error);
        return weir_cli_exit_code(r.error.code, false);
    }
    if (weir_outputs_open_files(&r.outputs, &options, &r.error)) {
        weir_cli_print_error(&r.error);
        weir_outputs_close(&r.outputs);
        weir_simulation_close(&r.simulation);
        return WEIR_EXIT_OUTPUT;
    }
    for (long i = 0; i < options.loops; i++) {
        code = play_once(&r, i + 1 == options.loops);
        if (code || interrupted || r.control.quit)
            break;
    }
    weir_control_close(&r.control);
    weir_outputs_close(&r.outputs);
    weir_simulation_close(&r.simulation);
    return code;
}
