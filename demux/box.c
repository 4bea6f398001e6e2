// demux/box.c — see box.h. Called by the init and fragment parsers with offsets out of hostile
// files; every sum is checked against the published length before it is formed.
#include "demux/box.h"

#include <stdio.h>

struct weir_bytes weir_bytes_make(const uint8_t *data, size_t pos, size_t end)
{
    return (struct weir_bytes){.data = data, .pos = pos, .end = end, .failed = pos > end};
}

static uint64_t take(struct weir_bytes *b, size_t count)
{
    if (b->failed || b->end - b->pos < count) {
        b->failed = true;
        return 0;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < count; i++)
        v = v << 8 | b->data[b->pos++];
    return v;
}

uint8_t weir_bytes_u8(struct weir_bytes *b)
{
    return (uint8_t)take(b, 1);
}

uint16_t weir_bytes_u16(struct weir_bytes *b)
{
    return (uint16_t)take(b, 2);
}

uint32_t weir_bytes_u24(struct weir_bytes *b)
{
    return (uint32_t)take(b, 3);
}

uint32_t weir_bytes_u32(struct weir_bytes *b)
{
    return (uint32_t)take(b, 4);
}

uint64_t weir_bytes_u64(struct weir_bytes *b)
{
    return take(b, 8);
}

void weir_bytes_skip(struct weir_bytes *b, size_t count)
{
    if (b->failed || b->end - b->pos < count)
        b->failed = true;
    else
        b->pos += count;
}

// Publish-or-fail for a header of `size` bytes at `pos`.
static int want_bytes(const struct weir_window *w, size_t pos, size_t size, size_t *need_bytes)
{
    if (pos <= w->size_bytes && w->size_bytes - pos >= size)
        return 0;
    if (w->complete)
        return WEIR_ERR_SYNTAX;
    *need_bytes = pos + size;
    return WEIR_ERR_AGAIN;
}

int weir_box_read(const struct weir_window *w, size_t pos, size_t limit, struct weir_box *out,
                  size_t *need_bytes)
{
    if (pos == limit || (w->complete && pos == w->size_bytes))
        return WEIR_ERR_END;
    if (pos > SIZE_MAX - 16 || (limit != SIZE_MAX && (pos > limit || limit - pos < 8)))
        return WEIR_ERR_SYNTAX;
    int err = want_bytes(w, pos, 8, need_bytes);
    if (err)
        return err;
    struct weir_bytes b = weir_bytes_make(w->data, pos, w->size_bytes);
    uint64_t size = weir_bytes_u32(&b);
    uint32_t type = weir_bytes_u32(&b);
    size_t header = 8;
    if (size == 1) { // 64-bit largesize (14496-12, 4.2.2)
        err = want_bytes(w, pos, 16, need_bytes);
        if (err)
            return err;
        size = weir_bytes_u64(&b);
        header = 16;
    }
    *out = (struct weir_box){.type = type, .start = pos, .body = pos + header, .end = limit};
    if (size == 0 &&
        header == 8) // to the end of the file, or of the parent where writers misuse it
        return limit == SIZE_MAX || out->body <= limit ? 0 : WEIR_ERR_SYNTAX;
    if (size < header || size > SIZE_MAX - 1 - pos)
        return WEIR_ERR_SYNTAX;
    out->end = pos + (size_t)size;
    return out->end <= limit ? 0 : WEIR_ERR_SYNTAX;
}

int weir_box_wait(const struct weir_window *w, const struct weir_box *box, size_t *need_bytes)
{
    if (box->end <= w->size_bytes)
        return 0;
    if (w->complete)
        return box->end == SIZE_MAX ? 0 : WEIR_ERR_SYNTAX;
    *need_bytes = box->end;
    return WEIR_ERR_AGAIN;
}

int weir_box_child(const uint8_t *data, size_t *pos, size_t parent_end, struct weir_box *out)
{
    struct weir_window w = {.data = data, .size_bytes = parent_end, .complete = true};
    size_t need_bytes = 0;
    int err = weir_box_read(&w, *pos, parent_end, out, &need_bytes);
    if (!err)
        *pos = out->end;
    return err;
}

struct weir_bytes weir_box_bytes(const uint8_t *data, const struct weir_box *box, uint8_t *version,
                                 uint32_t *flags)
{
    struct weir_bytes b = weir_bytes_make(data, box->body, box->end);
    if (version) {
        *version = weir_bytes_u8(&b);
        uint32_t f = weir_bytes_u24(&b);
        if (flags)
            *flags = f;
    }
    return b;
}

void weir_box_place(char *out, uint32_t type, size_t at)
{
    char name[5] = "????";
    for (int i = 0; i < 4; i++) {
        char c = (char)(type >> (24 - 8 * i) & 0x7f);
        bool ascii = !(type >> (24 - 8 * i) & 0x80);
        if (ascii && c >= ' ' && c < 0x7f)
            name[i] = c;
    }
    (void)snprintf(out, WEIR_BOX_PLACE_BYTES, "box %s at byte %zu", name, at);
}
