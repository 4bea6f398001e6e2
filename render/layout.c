// render/layout.c — integer geometry of the window.
#include "render/layout.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <libavutil/mathematics.h>

static int clamp_size(int64_t v)
{
    return v < 1 ? 1 : v > INT_MAX / 4 ? INT_MAX / 4 : (int)v;
}

int weir_layout_rotation(int degrees)
{
    return ((degrees % 360 + 360) % 360 + 45) / 90 % 4 * 90;
}

struct weir_size weir_layout_display_size(int width, int height, AVRational sar, int rotation)
{
    int64_t w = width;
    int64_t h = height;
    int64_t num = sar.num;
    int64_t den = sar.den;
    if (num <= 0 || den <= 0 || num > 16 * den || den > 16 * num)
        num = den = 1;
    if (num >= den)
        w = av_rescale(w, num, den);
    else
        h = av_rescale(h, den, num);
    bool turned = weir_layout_rotation(rotation) % 180 != 0;
    return (struct weir_size){clamp_size(turned ? h : w), clamp_size(turned ? w : h)};
}

static struct weir_size scale_into(struct weir_size picture, struct weir_size room)
{
    int64_t across = (int64_t)picture.width * room.height;
    int64_t down = (int64_t)picture.height * room.width;
    if (across > down)
        return (struct weir_size){
            room.width, clamp_size(av_rescale(picture.height, room.width, picture.width))};
    return (struct weir_size){clamp_size(av_rescale(picture.width, room.height, picture.height)),
                              room.height};
}

struct weir_rect weir_layout_fit(struct weir_size picture, struct weir_size output)
{
    struct weir_size room = {clamp_size(output.width), clamp_size(output.height)};
    struct weir_size size = scale_into(picture, room);
    return (struct weir_rect){(room.width - size.width) / 2, (room.height - size.height) / 2,
                              size.width, size.height};
}

struct weir_size weir_layout_window(struct weir_size picture, struct weir_size usable)
{
    if (usable.width <= 0 || usable.height <= 0 ||
        (picture.width <= usable.width && picture.height <= usable.height))
        return picture;
    return scale_into(picture, usable);
}
