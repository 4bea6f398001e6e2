// cli/abr_help.c — see abr_help.h. All of it is what the algorithms say of themselves, laid out for
// 100 columns.
#include "cli/abr_help.h"

#include <string.h>

#include "abr/abr.h"

#define COLUMNS     100
#define NAME_COLUMN 15 // where an algorithm's text begins
#define KEY_COLUMN  28 // where a parameter's does

// A column is a character: not the later bytes of one.
static size_t width(const char *text, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

struct line {
    FILE *out;
    size_t indent, column;
};

static void put_word(struct line *l, const char *word, size_t bytes)
{
    size_t columns = width(word, bytes);
    if (l->column > l->indent && l->column + 1 + columns > COLUMNS) {
        (void)fprintf(l->out, "\n%*s", (int)l->indent, "");
        l->column = l->indent;
    } else if (l->column > l->indent) {
        (void)fputc(' ', l->out);
        l->column++;
    }
    (void)fwrite(word, 1, bytes, l->out);
    l->column += columns;
}

static void put_text(struct line *l, const char *text, size_t bytes)
{
    const char *end = text + bytes;
    while (text < end) {
        const char *space = memchr(text, ' ', (size_t)(end - text));
        const char *word_end = space ? space : end;
        if (word_end > text)
            put_word(l, text, (size_t)(word_end - text));
        text = word_end + 1;
    }
}

// `head` in `margin` columns' distance, then room up to where the text begins.
static struct line begin_line(FILE *out, size_t margin, const char *head, size_t bytes,
                              size_t column)
{
    (void)fprintf(out, "%*s%.*s", (int)margin, "", (int)bytes, head);
    size_t at = margin + width(head, bytes);
    if (at + 1 > column) {
        (void)fputc('\n', out);
        at = 0;
    }
    (void)fprintf(out, "%*s", (int)(column - at), "");
    return (struct line){.out = out, .indent = column, .column = column};
}

// "key=default: meaning"
static void print_param(const char *text, size_t bytes, FILE *out)
{
    const char *colon = memchr(text, ':', bytes);
    size_t head = colon ? (size_t)(colon - text) : bytes;
    const char *equals = memchr(text, '=', head);
    size_t key = equals ? (size_t)(equals - text) : head;
    struct line l = begin_line(out, NAME_COLUMN, text, key, KEY_COLUMN);
    if (colon)
        put_text(&l, colon + 1, bytes - head - 1);
    if (equals && head > key + 1) {
        put_word(&l, "(default", 8);
        put_text(&l, equals + 1, head - key - 1);
        (void)fputc(')', out);
    }
    (void)fputc('\n', out);
}

static void print_params(const char *text, FILE *out)
{
    while (*text) {
        size_t n = strcspn(text, ";");
        print_param(text, n, out);
        text += n;
        text += strspn(text, "; ");
    }
}

void weir_cli_print_abr_help(FILE *out)
{
    (void)fputs("--abr NAME[:key=value,…]: an algorithm, with other parameters than its own\n"
                "--abr PATH[:key=value,…]: a plug-in, anything with a '/' (docs/plugins.md)\n\n",
                out);
    for (const struct weir_abr_ops *const *a = weir_abr_registry(); *a; a++) {
        const char *name = (*a)->name;
        struct line l = begin_line(out, 2, name, strlen(name), NAME_COLUMN);
        put_text(&l, (*a)->summary, strlen((*a)->summary));
        (void)fputc('\n', out);
        print_params((*a)->params_help, out);
    }
}
