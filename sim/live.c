// sim/live.c — the broadcast as a whole (sim/live.h): the folder's manifests, and what a
// path gets at a time. Manifests are rewritten in live_dash.c and live_hls.c.
#include "sim/live.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/url.h"
#include "sim/live_internal.h"

#define LEAST_SEGMENTS 3
// A client's idea of the time comes in milliseconds and over a network: this much too early is
// still in time.
#define EARLY_US 20000
// How long segments remain after their window, for players that are behind (RFC 8216, 6.2.2).
#define GRACE_US (10 * WEIR_SECOND_US)
// While a manifest is read its URLs resolve against this.
#define SELF "http://self.invalid"

// --- shared by the readers ---

void weir_live_iso8601(int64_t unix_us, char out[32])
{
    struct tm tm = {0};
    time_t seconds = (time_t)(unix_us / WEIR_SECOND_US);
    (void)gmtime_r(&seconds, &tm);
    (void)snprintf(out, 32, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                   (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
                   (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
                   (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100,
                   (unsigned)(unix_us % WEIR_SECOND_US / 1000));
}

int weir_live_url(const char *path, char *out, size_t out_size_bytes)
{
    static const char plain[] = "-._~/!$&'()*+,;=:@";
    size_t n = (size_t)snprintf(out, out_size_bytes, "%s", SELF);
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;
        bool as_is = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr(plain, c);
        if (n + 4 > out_size_bytes)
            return WEIR_ERR_TOO_BIG;
        n += (size_t)snprintf(out + n, out_size_bytes - n, as_is ? "%c" : "%%%02X", c);
    }
    return 0;
}

static int hex(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    int value = at ? (int)(at - digits) : -1;
    return value > 15 ? value - 6 : value;
}

bool weir_live_url_path(const char *url, char *out, size_t out_size_bytes)
{
    size_t prefix = strlen(SELF), n = 0;
    if (strncmp(url, SELF, prefix) != 0 || url[prefix] != '/')
        return false;
    for (const char *at = url + prefix; *at && *at != '?' && *at != '#'; at++) {
        if (n + 1 >= out_size_bytes)
            return false;
        int high = at[0] == '%' ? hex(at[1]) : -1;
        int low = high >= 0 ? hex(at[2]) : -1;
        out[n] = *at;
        if (low >= 0) {
            out[n] = (char)(unsigned char)(high * 16 + low);
            at += 2;
        }
        n++;
    }
    out[n] = '\0';
    return true;
}

void weir_live_refuse(struct weir_live_manifest *m, const char *why)
{
    free(m->refused);
    if (asprintf(&m->refused, "%s: %s", m->path, why) < 0)
        m->refused = strdup("a manifest cannot be live");
}

int weir_live_add_gate(struct weir_live *l, size_t manifest, const char *url, int64_t start_us,
                       int64_t end_us)
{
    char path[4096];
    if (!weir_live_url_path(url, path, sizeof(path)))
        return 0; // elsewhere: not ours to hold back
    if (l->gate_count >= WEIR_LIVE_MAX_SEGMENTS)
        return WEIR_ERR_TOO_BIG;
    if (l->gate_count == l->gate_room) {
        size_t room = l->gate_room ? l->gate_room * 2 : 256;
        struct weir_live_gate *gates = realloc(l->gates, room * sizeof(*gates));
        if (!gates)
            return WEIR_ERR_NOMEM;
        l->gates = gates;
        l->gate_room = room;
    }
    char *copy = strdup(path);
    if (!copy)
        return WEIR_ERR_NOMEM;
    l->gates[l->gate_count++] = (struct weir_live_gate){copy, manifest, start_us, end_us};
    return 0;
}

// --- reading the folder ---

static bool has_suffix(const char *path, const char *suffix)
{
    size_t len = strlen(path), n = strlen(suffix);
    return len > n && strcasecmp(path + len - n, suffix) == 0;
}

static int read_file(const char *path, char **out, size_t *size_bytes)
{
    FILE *f = fopen(path, "re");
    struct stat st;
    char *data = NULL;
    int err = WEIR_ERR_NOT_FOUND;
    if (!f || fstat(fileno(f), &st) < 0 || !S_ISREG(st.st_mode))
        goto done;
    err = WEIR_ERR_TOO_BIG;
    if (st.st_size > WEIR_LIVE_MAX_MANIFEST_BYTES)
        goto done;
    err = WEIR_ERR_NOMEM;
    data = malloc((size_t)st.st_size + 1);
    if (!data)
        goto done;
    *size_bytes = fread(data, 1, (size_t)st.st_size, f);
    data[*size_bytes] = '\0';
    *out = data;
    err = 0;
done:
    if (f)
        (void)fclose(f);
    return err;
}

static int add_manifest(struct weir_live *l, const char *path)
{
    if (l->manifest_count >= WEIR_LIVE_MAX_MANIFESTS)
        return WEIR_ERR_TOO_BIG;
    struct weir_live_manifest *grown =
        realloc(l->manifests, (l->manifest_count + 1) * sizeof(*grown));
    if (!grown)
        return WEIR_ERR_NOMEM;
    l->manifests = grown;
    struct weir_live_manifest *m = &grown[l->manifest_count];
    *m = (struct weir_live_manifest){.path = strdup(path), .group = l->manifest_count};
    if (!m->path)
        return WEIR_ERR_NOMEM;
    l->manifest_count++;
    char full[4200];
    (void)snprintf(full, sizeof(full), "%s%s", l->root, path);
    int err = read_file(full, &m->data, &m->size_bytes);
    if (err == WEIR_ERR_NOMEM)
        return err;
    if (err)
        weir_live_refuse(m, err == WEIR_ERR_TOO_BIG ? "too big" : "cannot be read");
    return 0;
}

// Every manifest below the folder `at` (relative to the root, "" for it); links to folders are not
// followed.
static int scan(struct weir_live *l, const char *at, int depth)
{
    char full[4200];
    (void)snprintf(full, sizeof(full), "%s%s", l->root, at);
    struct dirent **entries = NULL;
    int count = scandir(full, &entries, NULL, alphasort);
    int err = 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        struct stat st;
        int n = snprintf(path, sizeof(path), "%s/%s", at, entries[i]->d_name);
        (void)snprintf(full, sizeof(full), "%s%s", l->root, path);
        bool usable = entries[i]->d_name[0] != '.' && n > 0 && (size_t)n < sizeof(path);
        free(entries[i]);
        if (err || !usable || lstat(full, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth < 16)
            err = scan(l, path, depth + 1);
        else if (has_suffix(path, ".mpd") || has_suffix(path, ".m3u8"))
            err = add_manifest(l, path);
    }
    free(entries);
    return err;
}

static struct weir_live_manifest *find_manifest(const struct weir_live *l, const char *path)
{
    for (size_t i = 0; i < l->manifest_count; i++) {
        if (strcmp(l->manifests[i].path, path) == 0)
            return &l->manifests[i];
    }
    return NULL;
}

// Playlists of one multivariant playlist begin again together, or they would drift apart.
static void join_groups(struct weir_live *l)
{
    char path[4096];
    for (size_t i = 0; i < l->manifest_count; i++) {
        for (size_t n = 0; weir_live_hls_names(&l->manifests[i], n, path, sizeof(path)); n++) {
            struct weir_live_manifest *named = find_manifest(l, path);
            if (!named || named->group == i)
                continue;
            size_t old = named->group;
            for (size_t k = 0; k < l->manifest_count; k++) {
                if (l->manifests[k].group == old)
                    l->manifests[k].group = l->manifests[i].group;
            }
        }
    }
    for (size_t i = 0; i < l->manifest_count; i++) {
        for (size_t k = 0; k < l->manifest_count; k++) {
            struct weir_live_manifest *a = &l->manifests[i], *b = &l->manifests[k];
            if (a->group == b->group && a->duration_us > 0 && a->duration_us < b->duration_us)
                a->duration_us = b->duration_us;
        }
    }
}

static int by_path(const void *a, const void *b)
{
    const struct weir_live_gate *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    if (order == 0 && x->manifest != y->manifest)
        order = x->manifest < y->manifest ? -1 : 1;
    if (order == 0)
        order = (x->end_us > y->end_us) - (x->end_us < y->end_us);
    return order;
}

// A file of several segments (byte ranges) is there with the first of them.
static void sort_gates(struct weir_live *l)
{
    size_t kept = 0;
    if (l->gate_count > 0)
        qsort(l->gates, l->gate_count, sizeof(*l->gates), by_path);
    for (size_t i = 0; i < l->gate_count; i++) {
        struct weir_live_gate *g = &l->gates[i];
        const struct weir_live_gate *last = kept ? &l->gates[kept - 1] : NULL;
        if (last && last->manifest == g->manifest && strcmp(last->path, g->path) == 0)
            free(g->path);
        else
            l->gates[kept++] = *g;
    }
    l->gate_count = kept;
}

static int read_manifests(struct weir_live *l, struct weir_error *e)
{
    size_t live = 0;
    int64_t longest_us = 0;
    for (size_t i = 0; i < l->manifest_count; i++) {
        struct weir_live_manifest *m = &l->manifests[i];
        if (m->refused)
            continue;
        int err =
            has_suffix(m->path, ".mpd") ? weir_live_dash_read(l, i) : weir_live_hls_read(l, i);
        if (err)
            return weir_error_set(e, err, m->path, "cannot be made live (%s)", weir_strerror(err));
        live += !m->refused && m->duration_us > 0;
        if (m->longest_us > longest_us)
            longest_us = m->longest_us;
    }
    if (live == 0) {
        const char *why = weir_live_refused(l, 0);
        int err = weir_error_set(e, WEIR_ERR_NOT_FOUND, l->root,
                                 "no manifest here that --live can make live");
        weir_error_why(e, "%s", why ? why : "no .mpd, no .m3u8");
        return err;
    }
    join_groups(l);
    sort_gates(l);
    if (l->spec.start_us == WEIR_TIME_NONE)
        l->spec.start_us = LEAST_SEGMENTS * longest_us;
    return 0;
}

int weir_live_create(const char *root, const struct weir_live_spec *spec, int64_t begin_us,
                     struct weir_live **out, struct weir_error *e)
{
    *out = NULL;
    struct weir_live *l = calloc(1, sizeof(*l));
    if (!l)
        return weir_error_set(e, WEIR_ERR_NOMEM, root, "memory ran out");
    l->spec = *spec;
    l->root = strdup(root);
    int err = l->root ? scan(l, "", 0) : WEIR_ERR_NOMEM;
    if (err)
        (void)weir_error_set(e, err, root, "cannot read the manifests (%s)", weir_strerror(err));
    else
        err = read_manifests(l, e);
    if (err) {
        weir_live_destroy(&l);
        return err;
    }
    l->epoch_us = begin_us - l->spec.start_us;
    *out = l;
    return 0;
}

void weir_live_destroy(struct weir_live **live)
{
    struct weir_live *l = *live;
    if (!l)
        return;
    for (size_t i = 0; i < l->manifest_count; i++) {
        struct weir_live_manifest *m = &l->manifests[i];
        weir_live_hls_destroy(&m->hls);
        weir_presentation_destroy(&m->presentation);
        xmlFreeDoc(m->doc);
        free(m->path);
        free(m->data);
        free(m->refused);
    }
    for (size_t i = 0; i < l->gate_count; i++)
        free(l->gates[i].path);
    free(l->gates);
    free(l->manifests);
    free(l->root);
    free(l);
    *live = NULL;
}

const char *weir_live_refused(const struct weir_live *l, size_t i)
{
    for (size_t k = 0; k < l->manifest_count; k++) {
        if (l->manifests[k].refused && i-- == 0)
            return l->manifests[k].refused;
    }
    return NULL;
}

// --- answering ---

// `path` without its component "~K" into out; K, 0 without one.
static int64_t split_round(const char *path, char *out, size_t out_size_bytes)
{
    int64_t round = 0;
    size_t n = 0;
    for (const char *at = path; *at && n + 1 < out_size_bytes;) {
        size_t digits = at[0] == '/' && at[1] == '~' ? strspn(at + 2, "0123456789") : 0;
        if (digits > 0 && digits < 10 && at[2 + digits] == '/') {
            round = strtoll(at + 2, NULL, 10);
            at += 2 + digits;
            continue;
        }
        out[n++] = *at++;
    }
    out[n] = '\0';
    return round;
}

static int64_t window_of(const struct weir_live *l, const struct weir_live_manifest *m)
{
    int64_t least_us = LEAST_SEGMENTS * m->longest_us;
    return l->spec.window_us > least_us ? l->spec.window_us : least_us;
}

static int render(const struct weir_live *l, const struct weir_live_manifest *m, const char *origin,
                  int64_t now_us, struct weir_live_answer *out)
{
    struct weir_live_view view = {
        .at_us = now_us - l->epoch_us,
        .window_us = window_of(l, m),
        .epoch_us = l->epoch_us,
        .now_us = now_us,
        .loop = l->spec.loop,
        .origin = origin,
    };
    struct weir_textbuf text = {0};
    int err =
        m->doc ? weir_live_dash_render(m, &view, &text) : weir_live_hls_render(m, &view, &text);
    if (!err && text.failed)
        err = WEIR_ERR_NOMEM;
    if (err) {
        weir_textbuf_clear(&text);
        out->verdict = WEIR_LIVE_EARLY;
        return err == WEIR_ERR_END ? 0 : err;
    }
    out->verdict = WEIR_LIVE_MANIFEST;
    out->text = text.data;
    out->text_bytes = text.size;
    return 0;
}

// What one manifest says about its segment. The most generous of all has the word.
static enum weir_live_verdict judge(const struct weir_live *l, const struct weir_live_gate *g,
                                    int64_t round, int64_t at_us, struct weir_live_answer *out)
{
    const struct weir_live_manifest *m = &l->manifests[g->manifest];
    int64_t offset_us = round * m->duration_us;
    if (!l->spec.loop && round > 0)
        return WEIR_LIVE_EARLY;
    if (at_us >= offset_us + g->end_us - EARLY_US) {
        bool gone = l->spec.loop && at_us > offset_us + g->end_us + window_of(l, m) + GRACE_US;
        return gone ? WEIR_LIVE_GONE : WEIR_LIVE_FILE;
    }
    if (m->chunk_us == 0 || at_us < offset_us + g->start_us + m->chunk_us - EARLY_US)
        return WEIR_LIVE_EARLY;
    out->begin_us = l->epoch_us + offset_us + g->start_us;
    out->duration_us = g->end_us - g->start_us;
    return WEIR_LIVE_PARTLY;
}

static size_t first_gate(const struct weir_live *l, const char *path)
{
    size_t low = 0, high = l->gate_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(l->gates[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int weir_live_answer(const struct weir_live *l, const char *path, const char *origin,
                     int64_t now_us, struct weir_live_answer *out)
{
    static const int generous[] = {
        [WEIR_LIVE_FILE] = 4,
        [WEIR_LIVE_PARTLY] = 3,
        [WEIR_LIVE_GONE] = 2,
        [WEIR_LIVE_EARLY] = 1,
    };
    *out = (struct weir_live_answer){.verdict = WEIR_LIVE_FILE};
    int64_t round = split_round(path, out->path, sizeof(out->path));
    const struct weir_live_manifest *m = find_manifest(l, out->path);
    if (m && m->refused) {
        out->verdict = WEIR_LIVE_REFUSED;
        return 0;
    }
    if (m && m->duration_us > 0)
        return render(l, m, origin, now_us, out);
    size_t i = first_gate(l, out->path);
    if (i == l->gate_count || strcmp(l->gates[i].path, out->path) != 0)
        return 0; // an init segment, a page, a key
    out->verdict = WEIR_LIVE_EARLY;
    for (; i < l->gate_count && strcmp(l->gates[i].path, out->path) == 0; i++) {
        enum weir_live_verdict v = judge(l, &l->gates[i], round, now_us - l->epoch_us, out);
        if (generous[v] > generous[out->verdict])
            out->verdict = v;
    }
    return 0;
}
