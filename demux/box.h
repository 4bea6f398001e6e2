// demux/box.h — reading ISO base media boxes (ISO/IEC 14496-12, 4.2) out of bytes that may still be
// arriving: a bounds-checked big-endian reader and box headers. All sizes come from outside and are
// checked here, so that the parsers above can subtract without fear.
#ifndef WEIR_DEMUX_BOX_H
#define WEIR_DEMUX_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#define WEIR_FOURCC(a, b, c, d)                                                                    \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

// Bytes published so far. `complete`: no more will come.
struct weir_window {
    const uint8_t *data;
    size_t size_bytes;
    bool complete;
};

// A cursor over [pos, end). A read past the end returns 0, stays, and sets `failed`; check it once
// at the end.
struct weir_bytes {
    const uint8_t *data;
    size_t pos, end;
    bool failed;
};

struct weir_bytes weir_bytes_make(const uint8_t *data, size_t pos, size_t end);
uint8_t weir_bytes_u8(struct weir_bytes *b);
uint16_t weir_bytes_u16(struct weir_bytes *b);
uint32_t weir_bytes_u24(struct weir_bytes *b);
uint32_t weir_bytes_u32(struct weir_bytes *b);
uint64_t weir_bytes_u64(struct weir_bytes *b);
void weir_bytes_skip(struct weir_bytes *b, size_t count);

struct weir_box {
    uint32_t type;
    size_t start, body; // byte offsets in the window; body follows the header
    size_t end;         // exclusive; SIZE_MAX: to the end of the segment, wherever that will be
};

// The header of the box at `pos`, inside a parent that ends at `limit` (SIZE_MAX at top level).
// 0; END: pos is the end of the parent or of a complete window; AGAIN: *need_bytes must be
// published first; SYNTAX: the size is smaller than the header, overruns the parent, or the header
// is cut off. That the box's own bytes are published is for the caller to check (weir_box_wait).
int weir_box_read(const struct weir_window *w, size_t pos, size_t limit, struct weir_box *out,
                  size_t *need_bytes);
// Whether all of the box is published: 0, AGAIN with *need_bytes, or SYNTAX when the window is
// complete without it.
int weir_box_wait(const struct weir_window *w, const struct weir_box *box, size_t *need_bytes);
// The child after `*pos` in a parent whose bytes are all there; 0, END, or SYNTAX. Moves *pos
// behind it.
int weir_box_child(const uint8_t *data, size_t *pos, size_t parent_end, struct weir_box *out);
// The box's body; `version` and `flags` of a full box (4.2.2) are taken off when not NULL.
struct weir_bytes weir_box_bytes(const uint8_t *data, const struct weir_box *box, uint8_t *version,
                                 uint32_t *flags);

// "box trun at byte 840" into out (at least 48 bytes).
#define WEIR_BOX_PLACE_BYTES 64
void weir_box_place(char *out, uint32_t type, size_t at);

#endif
