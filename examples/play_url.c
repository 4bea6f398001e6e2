// examples/play_url.c — the smallest embedder of libweir: plays a URL or file in real time, with
// sound if there is a device, and prints each picture's time and size where a program of your own
// would draw it.
//
//     cc play_url.c $(pkg-config --cflags --libs weir) -o play_url
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libavutil/frame.h>

#include <weir/player.h>

static int fail(const struct weir_error *e)
{
    fprintf(stderr, "play_url: %s: %s%s%s%s\n", e->where, e->what, e->why[0] ? " (" : "", e->why,
            e->why[0] ? ")" : "");
    if (e->hint[0])
        fprintf(stderr, "try: %s\n", e->hint);
    return EXIT_FAILURE;
}

// In a program with a window, `picture->frame` is uploaded or drawn here. It is on loan: nothing of
// it may be touched after the release.
static int show(const struct weir_player_picture *picture)
{
    return printf("%10.3f s  %dx%d\n", (double)picture->pts_us / 1e6, picture->frame->width,
                  picture->frame->height);
}

// 0 once everything was played, else the error that ended it.
static int play(struct weir_player *player)
{
    for (;;) {
        struct weir_player_picture picture;
        int64_t wait_us;
        int err = weir_player_next_picture(player, &picture, &wait_us);
        if (err == WEIR_ERR_END)
            return 0;
        if (err == WEIR_ERR_AGAIN) { // nothing is due: sleep until something may be
            weir_player_wait(player, wait_us);
            continue;
        }
        if (err)
            return err;
        int written = show(&picture);
        weir_player_release_picture(player, &picture);
        if (written < 0)
            return WEIR_ERR_OUTPUT;
    }
}

int main(int argc, char **argv)
{
    struct weir_player_params params = weir_player_params_default();
    struct weir_player *player = NULL;
    struct weir_error error = {0};
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: play_url URL|FILE [SECONDS]\n");
        return 2;
    }
    params.url = argv[1];
    if (argc == 3)
        params.duration_us = (int64_t)(strtod(argv[2], NULL) * 1e6); // 0: to the end
    if (weir_player_create(&params, &player, &error))
        return fail(&error);

    int err = play(player);
    if (err) {
        weir_player_error(player, &error);
        if (!error.code) // the cause was not the player's
            weir_error_set(&error, err, "standard output", "%s", weir_strerror(err));
    }
    weir_player_destroy(&player);
    return err ? fail(&error) : EXIT_SUCCESS;
}
