// cli/status.c — formats the status line. Fields are made in order, each with a rank; while the
// line is too long the field of the highest rank goes.
#include "cli/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/terminal.h"
#include "core/clock.h"
#include "core/text.h"

enum { FIELD_BYTES = 160, MAX_FIELDS = 12, BAR_COLUMNS = 12, SEPARATOR = 2 };

struct field {
    char text[FIELD_BYTES];
    int rank; // 0 is never left out
};

struct fields {
    struct field items[MAX_FIELDS];
    size_t count;
};

void weir_status_time(int64_t us, char out[32])
{
    if (us == WEIR_TIME_NONE) {
        (void)snprintf(out, 32, "-:--");
        return;
    }
    int64_t s = us < 0 ? 0 : us / WEIR_SECOND_US;
    if (s >= 3600)
        (void)snprintf(out, 32, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60),
                       (int)(s % 60));
    else
        (void)snprintf(out, 32, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

void weir_status_rate(int64_t bps, char out[32])
{
    if (bps < 0)
        bps = 0;
    if (bps < 1000000)
        (void)snprintf(out, 32, "%d kbit/s", (int)(bps / 1000));
    else
        (void)snprintf(out, 32, "%" PRId64 ".%d Mbit/s", bps / 1000000, (int)(bps / 100000 % 10));
}

void weir_status_bar(int64_t part, int64_t whole, size_t columns, bool utf8, char *out)
{
    size_t filled = 0;
    if (whole > 0 && part > 0)
        filled = part >= whole ? columns
                               : (size_t)((double)part / (double)whole * (double)columns + 0.5);
    *out = '\0';
    for (size_t i = 0; i < columns; i++) {
        const char *cell =
            i < filled ? (utf8 ? "\xE2\x96\x88" : "#") : (utf8 ? "\xE2\x96\x91" : "-");
        size_t len = strlen(cell);
        memcpy(out, cell, len + 1);
        out += len;
    }
}

// The next character's length in bytes, and its width: beyond Latin, Greek and Cyrillic letters and
// the bar's blocks two columns are allowed for.
static size_t character(const char *s, size_t *columns)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t len = 1;
    while ((u[len] & 0xC0) == 0x80)
        len++;
    bool block = u[0] == 0xE2 && u[1] == 0x96;
    *columns = u[0] >= 0xE0 && !block ? 2 : 1;
    return len;
}

static size_t text_columns(const char *s)
{
    size_t sum = 0;
    size_t columns;
    while (*s) {
        s += character(s, &columns);
        sum += columns;
    }
    return sum;
}

static void cut_to_columns(char *s, size_t limit)
{
    size_t columns;
    size_t sum = 0;
    while (*s) {
        size_t len = character(s, &columns);
        if (sum + columns > limit) {
            *s = '\0';
            return;
        }
        sum += columns;
        s += len;
    }
}

static char *add(struct fields *f, int rank)
{
    struct field *field = &f->items[f->count++];
    field->rank = rank;
    field->text[0] = '\0';
    return field->text;
}

static void add_state(struct fields *f, const struct weir_status_view *v)
{
    const char *state = v->starting  ? "starting"
                        : v->stalled ? "buffering"
                        : v->paused  ? "paused"
                                     : NULL;
    if (state)
        (void)snprintf(add(f, 0), FIELD_BYTES, "(%s)", state);
}

static void add_time(struct fields *f, const struct weir_status_view *v)
{
    char position[32], duration[32];
    weir_status_time(v->position_us, position);
    weir_status_time(v->duration_us, duration);
    if (v->duration_us == WEIR_TIME_NONE)
        (void)snprintf(add(f, 0), FIELD_BYTES, "%s", position);
    else
        (void)snprintf(add(f, 0), FIELD_BYTES, "%s / %s", position, duration);
}

static void add_rung(struct fields *f, const struct weir_status_view *v)
{
    if (v->rung_count == 0)
        return;
    char rate[32] = "";
    char height[16] = "";
    if (v->bitrate_bps > 0)
        weir_status_rate(v->bitrate_bps, rate);
    if (v->height > 0)
        (void)snprintf(height, sizeof(height), "%dp ", v->height);
    (void)snprintf(add(f, 2), FIELD_BYTES, "%s%s%s(%zu/%zu%s)", height, rate, rate[0] ? " " : "",
                   v->rung + 1, v->rung_count, v->rung_held ? " held" : "");
}

static void add_buffer(struct fields *f, const struct weir_status_view *v, bool utf8)
{
    int64_t tenths = v->buffer_us < 0 ? 0 : v->buffer_us / (WEIR_SECOND_US / 10);
    char bar[3 * BAR_COLUMNS + 1];
    weir_status_bar(v->buffer_us, v->buffer_max_us, BAR_COLUMNS, utf8, bar);
    (void)snprintf(add(f, 4), FIELD_BYTES, "[%s]", bar);
    (void)snprintf(add(f, 1), FIELD_BYTES, "%" PRId64 ".%d s", tenths / 10, (int)(tenths % 10));
}

static void add_rest(struct fields *f, const struct weir_status_view *v)
{
    char rate[32];
    weir_status_rate(v->throughput_bps, rate);
    if (v->throughput_bps > 0)
        (void)snprintf(add(f, 3), FIELD_BYTES, "net %s", rate);
    (void)snprintf(add(f, v->dropped > 0 ? 3 : 6), FIELD_BYTES, "dropped %" PRId64, v->dropped);
    if (v->rate_permille != 0 && v->rate_permille != 1000)
        (void)snprintf(add(f, 2), FIELD_BYTES, "x%d.%02d", v->rate_permille / 1000,
                       v->rate_permille % 1000 / 10);
    if (v->muted)
        (void)snprintf(add(f, 5), FIELD_BYTES, "muted");
    else if (v->volume_percent != 100)
        (void)snprintf(add(f, 5), FIELD_BYTES, "volume %d%%", v->volume_percent);
}

static void add_note(struct fields *f, const struct weir_status_view *v, bool utf8)
{
    if (!v->note || !v->note[0])
        return;
    char *text = add(f, 1);
    (void)snprintf(text, FIELD_BYTES, "%s", v->note);
    weir_text_clean(text);
    for (; !utf8 && *text; text++) {
        if ((unsigned char)*text >= 0x80)
            *text = '?';
    }
}

static size_t line_columns(const struct fields *f)
{
    size_t sum = 0;
    for (size_t i = 0; i < f->count; i++)
        sum += text_columns(f->items[i].text) + (i ? SEPARATOR : 0);
    return sum;
}

// Take out the least important field, the last of equals. False: only rank 0 is left.
static bool leave_one_out(struct fields *f)
{
    size_t worst = 0;
    for (size_t i = 1; i < f->count; i++) {
        if (f->items[i].rank >= f->items[worst].rank)
            worst = i;
    }
    if (f->count == 0 || f->items[worst].rank == 0)
        return false;
    f->count--;
    memmove(&f->items[worst], &f->items[worst + 1], (f->count - worst) * sizeof(f->items[0]));
    return true;
}

size_t weir_status_format(const struct weir_status_view *view, size_t columns, bool utf8,
                          char out[WEIR_STATUS_MAX_BYTES])
{
    struct fields f = {.count = 0};
    add_state(&f, view);
    add_time(&f, view);
    add_rung(&f, view);
    add_buffer(&f, view, utf8);
    add_rest(&f, view);
    add_note(&f, view, utf8);
    while (line_columns(&f) > columns && leave_one_out(&f))
        ;
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < f.count; i++)
        used += (size_t)snprintf(out + used, WEIR_STATUS_MAX_BYTES - used, "%s%s", i ? "  " : "",
                                 f.items[i].text);
    cut_to_columns(out, columns);
    return strlen(out);
}

void weir_status_line_init(struct weir_status_line *l, int fd)
{
    const char *term = getenv("TERM");
    *l = (struct weir_status_line){.fd = fd};
    l->enabled = isatty(fd) && term && term[0] && strcmp(term, "dumb") != 0;
    l->utf8 = weir_terminal_utf8();
}

// In one write, so that the line never shows half. A terminal that takes no more is no reason to
// stop playing.
static void put(const struct weir_status_line *l, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t put_bytes = write(l->fd, text, len);
        if (put_bytes <= 0)
            return;
        text += put_bytes;
        len -= (size_t)put_bytes;
    }
}

static const char clear_to_end[] = "\x1B[K"; // ECMA-48, 8.3.41 EL

void weir_status_line_draw(struct weir_status_line *l, const struct weir_status_view *view)
{
    if (!l->enabled)
        return;
    char text[WEIR_STATUS_MAX_BYTES];
    char out[WEIR_STATUS_MAX_BYTES + 16];
    // The last column stays free: a cursor there wraps on some terminals.
    size_t columns = weir_terminal_columns(l->fd);
    weir_status_format(view, columns > 1 ? columns - 1 : 1, l->utf8, text);
    int len = snprintf(out, sizeof(out), "\r%s%s", text, clear_to_end);
    put(l, out, (size_t)len);
    l->drawn = true;
}

void weir_status_line_clear(struct weir_status_line *l)
{
    if (!l->drawn)
        return;
    put(l, "\r\x1B[K", 4);
    l->drawn = false;
}

void weir_status_line_finish(struct weir_status_line *l)
{
    if (l->drawn)
        put(l, "\n", 1);
    l->drawn = false;
}
