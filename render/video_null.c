// render/video_null.c — pictures go nowhere: --headless. Also the destructor common to all sinks.
#include "render/video.h"

#include <stdlib.h>

static int null_present(struct weir_video_sink *s, const struct weir_picture *p,
                        struct weir_error *error)
{
    (void)s;
    (void)p;
    (void)error;
    return 0;
}

static void null_destroy(struct weir_video_sink *s)
{
    free(s);
}

static const struct weir_video_sink_ops null_ops = {
    .name = "null",
    .present = null_present,
    .destroy = null_destroy,
};

int weir_video_null_create(struct weir_video_sink **out)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return WEIR_ERR_NOMEM;
    (*out)->ops = &null_ops;
    return 0;
}

void weir_video_sink_destroy(struct weir_video_sink **s)
{
    if (!*s)
        return;
    (*s)->ops->destroy(*s);
    *s = NULL;
}
