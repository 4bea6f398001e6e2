// cli/outputs.c — see outputs.h.
#include "cli/outputs.h"

#include <errno.h>
#include <string.h>

static int file_error(const char *path, int code, struct weir_error *error)
{
    char why[128];
    weir_error_set(error, WEIR_ERR_OUTPUT, path, "cannot be written");
    weir_error_why(error, "%s", strerror_r(code, why, sizeof(why)));
    return WEIR_ERR_OUTPUT;
}

int weir_outputs_open_video(struct weir_outputs *out, const struct weir_play_options *o,
                            struct weir_error *error)
{
    struct weir_sdl_video_params sp = {
        .title = o->title ? o->title : o->player.url,
        .fullscreen = o->fullscreen,
        .copies = &out->copies,
        .log = out->log.write ? &out->log : NULL,
    };
    switch (o->vo) {
    case WEIR_VO_SDL:
        return weir_video_sdl_create(&sp, &out->video, error);
    case WEIR_VO_Y4M:
        return weir_video_y4m_create(o->y4m_path, &out->copies, &out->video, error);
    case WEIR_VO_NULL:
        return weir_video_null_create(&out->video);
    }
    return WEIR_ERR_INVAL;
}

int weir_outputs_open_files(struct weir_outputs *out, const struct weir_play_options *o,
                            struct weir_error *error)
{
    if (o->events_path) {
        out->events = strcmp(o->events_path, "-") ? fopen(o->events_path, "we") : stdout;
        if (!out->events)
            return file_error(o->events_path, errno, error);
    }
    return o->framemd5_path ? weir_framemd5_create(o->framemd5_path, &out->framemd5, error) : 0;
}

int weir_outputs_picture(struct weir_outputs *out, const struct weir_player_picture *picture,
                         struct weir_error *error)
{
    struct weir_picture p = {
        .frame = picture->frame, .pts_us = picture->pts_us, .rotation = picture->rotation};
    int err = out->video->ops->present(out->video, &p, error);
    if (!err && out->framemd5)
        err = weir_framemd5_write(out->framemd5, picture->frame, picture->pts_us, error);
    return err;
}

void weir_outputs_event(void *ctx, const char *json)
{
    struct weir_outputs *out = ctx;
    if (atomic_load(&out->events_errno))
        return;
    // Line by line as it happens: another program may be reading along.
    if (fprintf(out->events, "%s\n", json) < 0 || fflush(out->events))
        atomic_store(&out->events_errno, errno ? errno : EIO);
}

int weir_outputs_finish(struct weir_outputs *out, const struct weir_play_options *o,
                        struct weir_error *error)
{
    int err = out->framemd5 ? weir_framemd5_finish(out->framemd5, error) : 0;
    if (!err && out->video->ops->finish)
        err = out->video->ops->finish(out->video, error);
    int code = atomic_load(&out->events_errno);
    if (out->events && out->events != stdout && fclose(out->events) && !code)
        code = errno;
    out->events = NULL;
    if (!err && code)
        err = file_error(o->events_path, code, error);
    return err;
}

void weir_outputs_close(struct weir_outputs *out)
{
    if (out->events && out->events != stdout)
        (void)fclose(out->events);
    out->events = NULL;
    weir_framemd5_destroy(&out->framemd5);
    weir_video_sink_destroy(&out->video);
}

int weir_outputs_document(const char *path, const char *text, struct weir_error *error)
{
    FILE *f = strcmp(path, "-") ? fopen(path, "we") : stdout;
    if (!f)
        return file_error(path, errno, error);
    int failed = fprintf(f, "%s\n", text) < 0;
    int code = errno;
    if ((f == stdout ? fflush(f) : fclose(f)) && !failed) {
        failed = 1;
        code = errno;
    }
    return failed ? file_error(path, code, error) : 0;
}
