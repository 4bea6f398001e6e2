// manifest/number.c — numbers and words of manifests, read without the locale and without floating
// point. Called by the MPD and HLS parsers on hostile text; every function refuses what it cannot
// hold exactly.
#include <string.h>
#include <strings.h>

#include "manifest/internal.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Digits at *s into *out; false when there are none or they do not fit.
static bool read_digits(const char **s, int64_t *out)
{
    const char *p = *s;
    int64_t v = 0;
    if (!is_digit(*p))
        return false;
    for (; is_digit(*p); p++) {
        if (__builtin_mul_overflow(v, INT64_C(10), &v) || __builtin_add_overflow(v, *p - '0', &v))
            return false;
    }
    *s = p;
    *out = v;
    return true;
}

bool weir_parse_int64(const char *s, int64_t *out)
{
    if (!s)
        return false;
    while (is_blank(*s))
        s++;
    bool negative = *s == '-';
    if (*s == '-' || *s == '+')
        s++;
    int64_t v;
    if (!read_digits(&s, &v))
        return false;
    while (is_blank(*s))
        s++;
    if (*s)
        return false;
    *out = negative ? -v : v;
    return true;
}

bool weir_parse_micro(const char *s, size_t len, int64_t *out)
{
    size_t i = 0;
    bool negative = false, any = false;
    int64_t whole = 0, micro = 0, unit = 100000;
    if (i < len && (s[i] == '-' || s[i] == '+'))
        negative = s[i++] == '-';
    for (; i < len && is_digit(s[i]); i++, any = true) {
        if (__builtin_mul_overflow(whole, INT64_C(10), &whole) ||
            __builtin_add_overflow(whole, s[i] - '0', &whole))
            return false;
    }
    if (i < len && s[i] == '.') {
        bool seventh = true;
        for (i++; i < len && is_digit(s[i]); i++, any = true) {
            micro += unit * (s[i] - '0');
            if (unit == 0 && seventh) { // the first digit past the microsecond rounds
                micro += s[i] >= '5';
                seventh = false;
            }
            unit /= 10;
        }
    }
    if (!any || i != len || whole > INT64_MAX / 1000000 - 1)
        return false;
    micro += whole * 1000000;
    *out = negative ? -micro : micro;
    return true;
}

bool weir_parse_range(const char *s, struct weir_byte_range *out)
{
    struct weir_byte_range r = {0, -1};
    if (!s)
        return false;
    while (is_blank(*s))
        s++;
    if (!read_digits(&s, &r.first) || *s++ != '-')
        return false;
    if (is_digit(*s) && (!read_digits(&s, &r.last) || r.last < r.first))
        return false;
    while (is_blank(*s))
        s++;
    if (*s)
        return false;
    *out = r;
    return true;
}

bool weir_parse_ratio(const char *s, int64_t *num, int64_t *den)
{
    int64_t a = 0, b = 1;
    if (!s)
        return false;
    while (is_blank(*s))
        s++;
    if (!read_digits(&s, &a))
        return false;
    if (*s == '.') {
        for (s++; is_digit(*s); s++) {
            if (b < 1000000) { // further digits would not change a frame rate
                if (a > INT64_MAX / 10 - 10)
                    return false;
                a = a * 10 + (*s - '0');
                b *= 10;
            }
        }
    } else if (*s == '/' || *s == ':') {
        s++;
        if (!read_digits(&s, &b))
            return false;
    }
    while (is_blank(*s))
        s++;
    if (*s || a <= 0 || b <= 0 || a > INT32_MAX ||
        b > INT32_MAX) // so that products cannot overflow
        return false;
    *num = a;
    *den = b;
    return true;
}

bool weir_has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *s = list; s && *s;) {
        size_t n = strcspn(s, " \t\r\n");
        if (n == len && memcmp(s, word, len) == 0)
            return true;
        s += n;
        s += strspn(s, " \t\r\n");
    }
    return false;
}

static const struct {
    const char *prefix;
    char kind; // v, a, t
} codec_names[] = {
    {"avc", 'v'},  {"hvc1", 'v'}, {"hev1", 'v'}, {"vp8", 'v'},  {"vp9", 'v'},    {"vp08", 'v'},
    {"vp09", 'v'}, {"av01", 'v'}, {"dvh", 'v'},  {"dva", 'v'},  {"dav1", 'v'},   {"vvc1", 'v'},
    {"vvi1", 'v'}, {"mp4v", 'v'}, {"h263", 'v'}, {"s263", 'v'}, {"encv", 'v'},   {"theora", 'v'},
    {"mjpg", 'v'}, {"lvc1", 'v'}, {"evc", 'v'},  {"mp4a", 'a'}, {"ac-3", 'a'},   {"ec-3", 'a'},
    {"ac-4", 'a'}, {"opus", 'a'}, {"flac", 'a'}, {"fLaC", 'a'}, {"vorbis", 'a'}, {"dts", 'a'},
    {"mhm", 'a'},  {"mha", 'a'},  {"alac", 'a'}, {"samr", 'a'}, {"sawb", 'a'},   {"mp3", 'a'},
    {"enca", 'a'}, {"iamf", 'a'}, {"aac", 'a'},  {"ac3", 'a'},  {"ec3", 'a'},    {"ec+3", 'a'},
    {"stpp", 't'}, {"wvtt", 't'}, {"vtt", 't'},  {"tx3g", 't'}, {"c608", 't'},   {"c708", 't'},
    {"ttml", 't'},
};

struct weir_codec_kinds weir_codec_kinds(const char *codecs)
{
    struct weir_codec_kinds k = {0};
    for (const char *s = codecs; s && *s;) {
        s += strspn(s, ", \t\r\n");
        size_t n = strcspn(s, ","), i;
        if (n == 0)
            break;
        for (i = 0; i < sizeof(codec_names) / sizeof(codec_names[0]); i++) {
            size_t len = strlen(codec_names[i].prefix);
            if (n >= len && strncasecmp(s, codec_names[i].prefix, len) == 0)
                break;
        }
        if (i == sizeof(codec_names) / sizeof(codec_names[0]))
            k.unknown = true;
        else if (codec_names[i].kind == 'v')
            k.video = true;
        else if (codec_names[i].kind == 'a')
            k.audio = true;
        else
            k.text = true;
        s += n;
    }
    return k;
}
