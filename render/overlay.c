// render/overlay.c — lays text out in cells and draws it. What the font lacks is shown as '?'.
#include "render/overlay.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "render/font.h"

enum {
    CELL_WIDTH = WEIR_FONT_COLUMNS + 1,
    CELL_HEIGHT = WEIR_FONT_ROWS + 2,
    MARGIN = 4,
    FULL_BLOCK = 0x2588,
    LIGHT_SHADE = 0x2591,
    DARK_SHADE = 0x2593,
};

static const uint32_t ground = 0x80000000;
static const uint32_t ink = 0xFFFFFFFF;

// The next code point of valid UTF-8; a stray byte stands for itself. Only as much as the text's
// few symbols need.
static uint32_t next_code(const char **at)
{
    const unsigned char *s = (const unsigned char *)*at;
    int more = s[0] >= 0xF0 ? 3 : s[0] >= 0xE0 ? 2 : s[0] >= 0xC0 ? 1 : 0;
    uint32_t code = more == 3   ? s[0] & 0x07u
                    : more == 2 ? s[0] & 0x0Fu
                    : more      ? s[0] & 0x1Fu
                                : s[0];
    int used = 1;
    while (used <= more && (s[used] & 0xC0) == 0x80)
        code = code << 6 | (s[used++] & 0x3Fu);
    *at += used;
    return code;
}

struct cell {
    int line, column;
    uint32_t code;
};

// Walk the text's visible cells; false at its end. `cell->line` starts at 0 and `column` at -1.
static bool next_cell(const char **at, struct cell *cell)
{
    while (**at) {
        cell->code = next_code(at);
        if (cell->code == '\n') {
            cell->line++;
            cell->column = -1;
            if (cell->line >= WEIR_OVERLAY_MAX_LINES)
                return false;
        } else if (++cell->column < WEIR_OVERLAY_MAX_COLUMNS) {
            return true;
        }
    }
    return false;
}

struct weir_overlay_size weir_overlay_measure(const char *text)
{
    struct cell cell = {.column = -1};
    int lines = 0;
    int columns = 0;
    while (next_cell(&text, &cell)) {
        lines = cell.line + 1;
        columns = cell.column + 1 > columns ? cell.column + 1 : columns;
    }
    if (lines == 0)
        return (struct weir_overlay_size){0, 0};
    return (struct weir_overlay_size){columns * CELL_WIDTH + 2 * MARGIN - 1,
                                      lines * CELL_HEIGHT + 2 * MARGIN - 2};
}

// Whether the glyph has ink there; blocks and shades fill the whole cell, so that neighbours join
// into a bar.
static bool has_ink(uint32_t code, int x, int y)
{
    if (code == FULL_BLOCK)
        return y < WEIR_FONT_ROWS;
    if (code >= LIGHT_SHADE && code <= DARK_SHADE) {
        int level = (int)(code - LIGHT_SHADE) + 1;
        return y < WEIR_FONT_ROWS && (x + 2 * (y & 1)) % 4 < level;
    }
    if (x >= WEIR_FONT_COLUMNS || y >= WEIR_FONT_ROWS)
        return false;
    if (code < WEIR_FONT_FIRST || code > WEIR_FONT_LAST)
        code = '?';
    const char *art = weir_font[code - WEIR_FONT_FIRST];
    size_t place = (size_t)y * (WEIR_FONT_COLUMNS + 1) + (size_t)x;
    return place < strlen(art) && art[place] == '#';
}

static uint32_t *pixel(uint32_t *pixels, int pitch_bytes, int x, int y)
{
    return pixels + (ptrdiff_t)y * (pitch_bytes / (int)sizeof(*pixels)) + x;
}

void weir_overlay_draw(const char *text, uint32_t *pixels, int pitch_bytes)
{
    struct weir_overlay_size size = weir_overlay_measure(text);
    for (int y = 0; y < size.height; y++) {
        for (int x = 0; x < size.width; x++)
            *pixel(pixels, pitch_bytes, x, y) = ground;
    }
    struct cell cell = {.column = -1};
    while (next_cell(&text, &cell)) {
        int left = MARGIN + cell.column * CELL_WIDTH;
        int top = MARGIN + cell.line * CELL_HEIGHT;
        for (int y = 0; y < WEIR_FONT_ROWS; y++) {
            for (int x = 0; x < CELL_WIDTH && left + x < size.width; x++) {
                if (has_ink(cell.code, x, y))
                    *pixel(pixels, pitch_bytes, left + x, top + y) = ink;
            }
        }
    }
}
