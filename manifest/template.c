// manifest/template.c — the formatting of DASH URL templates. weir_template_format is called for
// every segment URL asked for: it must not allocate. Hostile text: widths are bounded, identifiers
// are an exact list.
#include "manifest/template.h"

#include <string.h>

// Chosen by hand: wider numbers than this are no URL anybody serves.
#define MAX_WIDTH 32

enum identifier {
    ID_ESCAPE,
    ID_REPRESENTATION,
    ID_NUMBER,
    ID_TIME,
    ID_BANDWIDTH,
    ID_SUB_NUMBER,
};

struct token {
    enum identifier id;
    int width; // 0: as wide as it is
};

static const struct {
    const char *name;
    enum identifier id;
} identifiers[] = {
    {"RepresentationID", ID_REPRESENTATION},
    {"Number", ID_NUMBER},
    {"Time", ID_TIME},
    {"Bandwidth", ID_BANDWIDTH},
    {"SubNumber", ID_SUB_NUMBER},
};

// "%0Nd" after an identifier.
static bool read_width(const char *s, size_t len, int *width)
{
    int w = 0;
    if (len < 3 || s[0] != '%' || s[len - 1] != 'd')
        return false;
    // The clause asks for %0[width]d; "%5d" is seen in the wild and cannot mean anything else.
    for (size_t i = 1; i < len - 1; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        w = w * 10 + (s[i] - '0');
        if (w > MAX_WIDTH)
            return false;
    }
    *width = w;
    return true;
}

// The token at `*s`, which stands on a "$"; moves behind its closing "$".
static bool read_token(const char **s, struct token *out, const char **why)
{
    const char *start = *s + 1;
    const char *end = strchr(start, '$');
    if (!end) {
        *why = "a $ is not closed";
        return false;
    }
    *s = end + 1;
    *out = (struct token){ID_ESCAPE, 0};
    if (end == start)
        return true;
    size_t name_len = strcspn(start, "%$");
    for (size_t i = 0; i < sizeof(identifiers) / sizeof(identifiers[0]); i++) {
        if (strlen(identifiers[i].name) != name_len ||
            memcmp(identifiers[i].name, start, name_len) != 0)
            continue;
        out->id = identifiers[i].id;
        size_t rest = (size_t)(end - start) - name_len;
        if (rest == 0)
            return true;
        *why = "a format other than %0Nd";
        return out->id != ID_REPRESENTATION && read_width(start + name_len, rest, &out->width);
    }
    *why = "an unknown identifier";
    return false;
}

bool weir_template_check(const char *text, struct weir_template_uses *uses, const char **why)
{
    *uses = (struct weir_template_uses){0};
    for (const char *s = text; *s;) {
        struct token t;
        if (*s != '$') {
            s++;
            continue;
        }
        if (!read_token(&s, &t, why))
            return false;
        uses->representation_id |= t.id == ID_REPRESENTATION;
        uses->number |= t.id == ID_NUMBER;
        uses->time |= t.id == ID_TIME;
        uses->bandwidth |= t.id == ID_BANDWIDTH;
        uses->sub_number |= t.id == ID_SUB_NUMBER;
    }
    return true;
}

struct sink {
    char *out;
    size_t room, len;
};

static bool put(struct sink *k, const char *s, size_t len)
{
    if (len >= k->room - k->len)
        return false;
    memcpy(k->out + k->len, s, len);
    k->len += len;
    return true;
}

// Numbers longer than the width are not cut (5.3.9.4.4).
static bool put_number(struct sink *k, int64_t value, int width)
{
    char digits[MAX_WIDTH + 24];
    size_t at = sizeof(digits);
    int written = 0;
    uint64_t v = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
        written++;
    } while (v);
    for (; written < width; written++)
        digits[--at] = '0';
    if (value < 0)
        digits[--at] = '-';
    return put(k, digits + at, sizeof(digits) - at);
}

int weir_template_format(const char *text, const struct weir_template_values *v, char *out,
                         size_t out_size_bytes)
{
    struct sink k = {out, out_size_bytes, 0};
    const char *id = v->representation_id ? v->representation_id : "";
    if (out_size_bytes == 0)
        return -1;
    for (const char *s = text; *s;) {
        size_t plain = strcspn(s, "$");
        struct token t;
        const char *why;
        if (!put(&k, s, plain))
            return -1;
        s += plain;
        if (!*s)
            break;
        if (!read_token(&s, &t, &why))
            return -1;
        bool ok = true;
        switch (t.id) {
        case ID_ESCAPE:
            ok = put(&k, "$", 1);
            break;
        case ID_REPRESENTATION:
            ok = put(&k, id, strlen(id));
            break;
        case ID_NUMBER:
            ok = put_number(&k, v->number, t.width);
            break;
        case ID_TIME:
            ok = put_number(&k, v->time, t.width);
            break;
        case ID_BANDWIDTH:
            ok = put_number(&k, v->bandwidth_bps, t.width);
            break;
        case ID_SUB_NUMBER:
            ok = false; // refused by the parser
            break;
        }
        if (!ok)
            return -1;
    }
    out[k.len] = '\0';
    return (int)k.len;
}
