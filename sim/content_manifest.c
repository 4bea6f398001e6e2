// sim/content_manifest.c — a content from an MPD or playlist: the rungs that the player would use
// (player/select.c), what its indexes and byte ranges tell, and for the rest the sizes of local
// files, answers of servers (weir_content_record()), or guesses from the declared bandwidth.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/rational.h"
#include "core/url.h"
#include "net/fetch.h"
#include "player/select.h"
#include "sim/content_build.h"
#include "sim/content_probe.h"

struct reader {
    struct weir_content_build *b;
    const struct weir_content_record_params *params; // NULL: nothing is fetched over the network
    struct weir_presentation *p;
    struct weir_selection selection;
    enum weir_engine_track ladder; // which of its tracks is the ladder: sound, where that is all
    int64_t index_bytes[WEIR_ENGINE_TRACKS][WEIR_CONTENT_MAX_RUNGS]; // of the first period
    struct weir_content_item *items;
    size_t item_count, item_room;
};

static bool is_file(const char *url)
{
    return weir_url_has_scheme(url, "file");
}

static const struct weir_engine_rungs *rungs_of(const struct reader *r, size_t period,
                                                enum weir_engine_track kind)
{
    return &r->selection.content.periods[period].tracks[kind];
}

static int fetch(struct reader *r, const char *url, struct weir_byte_range range,
                 struct weir_fetch_result *out)
{
    if (!r->params && !is_file(url)) {
        (void)weir_error_set(r->b->error, WEIR_ERR_UNSUPPORTED, url,
                             "a segment index that is not on this machine");
        weir_error_why(r->b->error, "nothing is fetched to read a content");
        weir_error_hint(r->b->error, "weir content make URL -o x.json");
        return WEIR_ERR_UNSUPPORTED;
    }
    struct weir_fetch_request req = {.url = url,
                                     .first_byte = range.first,
                                     .last_byte = range.last,
                                     .allow_file = is_file(r->p->url),
                                     .params = r->params ? r->params->net : NULL};
    return weir_fetch_blocking(&req, out, r->b->error);
}

static int load_index(struct reader *r, struct weir_representation *rep, int64_t *bytes)
{
    int err = 0;
    while (!err && rep->index_need != WEIR_INDEX_READY) {
        struct weir_fetch_result got = {0};
        err = fetch(r, rep->index_url, rep->index_range, &got);
        if (!err) {
            struct weir_manifest_input in = {.data = got.data,
                                             .size_bytes = got.size_bytes,
                                             .url = got.effective_url,
                                             .allow_file_urls = is_file(got.effective_url),
                                             .wall_clock_us = WEIR_TIME_NONE};
            int64_t offset = rep->index_range.first < 0 ? 0 : rep->index_range.first;
            *bytes += (int64_t)got.size_bytes;
            err = weir_presentation_load_index(r->p, rep, &in, offset, r->b->error);
        }
        weir_fetch_result_clear(&got);
    }
    return err;
}

static int load_indexes(struct reader *r)
{
    for (size_t i = 0; i < r->selection.content.period_count; i++) {
        for (int k = 0; k < WEIR_ENGINE_TRACKS; k++) {
            const struct weir_engine_rungs *rungs = rungs_of(r, i, (enum weir_engine_track)k);
            if (rungs->count > WEIR_CONTENT_MAX_RUNGS)
                return weir_error_set(r->b->error, WEIR_ERR_TOO_BIG, r->b->where,
                                      "more than %d rungs", WEIR_CONTENT_MAX_RUNGS);
            for (size_t rung = 0; rung < rungs->count; rung++) {
                int64_t bytes = 0;
                int err = load_index(r, rungs->rungs[rung], &bytes);
                if (err)
                    return err;
                if (i == 0)
                    r->index_bytes[k][rung] = bytes;
            }
        }
    }
    if (r->p->live) // a playlist tells only now
        return weir_error_set(r->b->error, WEIR_ERR_UNSUPPORTED, r->b->where,
                              "a live stream has no fixed content");
    return 0;
}

// Segments that every rung has, in one period.
static int64_t period_segments(const struct weir_engine_rungs *rungs, bool *uneven)
{
    int64_t least = weir_index_count(rungs->rungs[0]);
    for (size_t i = 1; i < rungs->count; i++) {
        int64_t count = weir_index_count(rungs->rungs[i]);
        *uneven |= count != least;
        least = count < least ? count : least;
    }
    return least;
}

static int add_item(struct reader *r, struct weir_content_item item)
{
    if (r->item_count == r->item_room) {
        size_t room = r->item_room ? r->item_room * 2 : 256;
        struct weir_content_item *grown = realloc(r->items, room * sizeof(*grown));
        if (!grown)
            return weir_error_set(r->b->error, WEIR_ERR_NOMEM, r->b->where, "memory ran out");
        r->items = grown;
        r->item_room = room;
    }
    r->items[r->item_count++] = item;
    return 0;
}

static int take_segment(struct reader *r, const struct weir_representation *rep, int64_t index,
                        const struct weir_segment_info *info, int64_t *bytes)
{
    *bytes = info->size_bytes > 0 ? info->size_bytes : 0;
    if (*bytes || info->gap) // a gap is never fetched: what it would have weighed is guessed
        return 0;
    return add_item(r, (struct weir_content_item){.rep = rep, .segment = index, .bytes = bytes});
}

// The segments of one period, from `row` of the tables on.
static int take_period(struct reader *r, const struct weir_content_track *track,
                       const struct weir_engine_rungs *rungs, int64_t row, int64_t count)
{
    struct weir_content_tables *t = weir_content_tables(r->b, track);
    for (int64_t i = 0; i < count; i++) {
        for (size_t rung = 0; rung < rungs->count; rung++) {
            struct weir_segment_info info;
            int64_t *bytes = &t->sizes_bytes[(size_t)(row + i) * rungs->count + rung];
            int err = weir_index_segment(rungs->rungs[rung], i, &info);
            if (!err)
                err = take_segment(r, rungs->rungs[rung], i, &info, bytes);
            if (err)
                return err;
            if (rung == 0) {
                t->starts_us[row + i] = info.start_us;
                t->starts_us[row + i + 1] = weir_add_sat(info.start_us, info.duration_us);
            }
        }
    }
    return 0;
}

static int take_init(struct reader *r, const struct weir_representation *rep, int64_t *bytes)
{
    const struct weir_init *init = rep->init;
    if (!init)
        return 0;
    if (init->range.first >= 0 && init->range.last >= init->range.first) {
        *bytes = init->range.last - init->range.first + 1;
        return 0;
    }
    return add_item(r, (struct weir_content_item){.rep = rep, .init = init, .bytes = bytes});
}

static int take_rungs(struct reader *r, const struct weir_content_track *track,
                      enum weir_engine_track kind)
{
    const struct weir_engine_rungs *rungs = rungs_of(r, 0, kind);
    struct weir_content_tables *t = weir_content_tables(r->b, track);
    int err = 0;
    for (size_t i = 0; i < rungs->count && !err; i++) {
        t->bitrates_bps[i] = rungs->rungs[i]->bandwidth_bps;
        t->index_bytes[i] = r->index_bytes[kind][i];
        err = take_init(r, rungs->rungs[i], &t->init_bytes[i]);
    }
    return err;
}

// Whether every period has this track, with as many rungs each.
static bool same_everywhere(const struct reader *r, enum weir_engine_track kind)
{
    for (size_t i = 1; i < r->selection.content.period_count; i++)
        if (rungs_of(r, i, kind)->count != rungs_of(r, 0, kind)->count)
            return false;
    return true;
}

static int take_track(struct reader *r, struct weir_content_track *track,
                      enum weir_engine_track kind)
{
    size_t periods = r->selection.content.period_count;
    int64_t total = 0, row = 0;
    bool uneven = false;
    for (size_t i = 0; i < periods; i++)
        total = weir_add_sat(total, period_segments(rungs_of(r, i, kind), &uneven));
    if (uneven)
        weir_content_warn(r->b, "%s: the rungs are not cut alike; the times are the lowest rung's",
                          kind == WEIR_ENGINE_AUDIO ? "audio" : "video");
    int err = weir_content_track_make(r->b, track, total, rungs_of(r, 0, kind)->count, true, false);
    if (!err)
        err = take_rungs(r, track, kind);
    for (size_t i = 0; i < periods && !err; i++) {
        bool unused = false;
        int64_t count = period_segments(rungs_of(r, i, kind), &unused);
        err = take_period(r, track, rungs_of(r, i, kind), row, count);
        row += count;
    }
    if (err)
        return err;
    struct weir_content_tables *t = weir_content_tables(r->b, track);
    for (int64_t i = total, first_us = t->starts_us[0]; i >= 0; i--)
        t->starts_us[i] -= first_us;
    return 0;
}

static int take_tracks(struct reader *r)
{
    bool sound_alone = !r->selection.has[WEIR_ENGINE_VIDEO];
    r->ladder = sound_alone ? WEIR_ENGINE_AUDIO : WEIR_ENGINE_VIDEO;
    if (!same_everywhere(r, r->ladder) || rungs_of(r, 0, r->ladder)->count == 0)
        return weir_error_set(r->b->error, WEIR_ERR_UNSUPPORTED, r->b->where,
                              "periods with ladders of different lengths");
    if (sound_alone)
        weir_content_warn(r->b, "there is no video: the ladder is the sound's");
    int err = take_track(r, &r->b->content.video, r->ladder);
    if (err || sound_alone || !r->selection.has[WEIR_ENGINE_AUDIO])
        return err;
    if (!same_everywhere(r, WEIR_ENGINE_AUDIO) || rungs_of(r, 0, WEIR_ENGINE_AUDIO)->count == 0) {
        weir_content_warn(r->b, "the sound differs from period to period; it is left out");
        return 0;
    }
    return take_track(r, &r->b->content.audio, WEIR_ENGINE_AUDIO);
}

static int64_t guess(int64_t bitrate_bps, int64_t duration_us)
{
    double bytes = (double)bitrate_bps * (double)duration_us / 8e6;
    return bytes < 1 ? 1
           : bytes < (double)WEIR_CONTENT_MAX_SEGMENT_BYTES
               ? (int64_t)llround(bytes)
               : INT64_MAX; // refused by weir_content_build_end()
}

// The declared bitrate where a playlist declares none: that of the segments.
static void measure_rung(const struct weir_content_track *track, struct weir_content_tables *t,
                         size_t rung)
{
    double bytes = 0, us = 0;
    for (int64_t i = 0; i < track->segment_count; i++) {
        int64_t size = t->sizes_bytes[(size_t)i * track->rung_count + rung];
        bytes += (double)size;
        us += size ? (double)(t->starts_us[i + 1] - t->starts_us[i]) : 0;
    }
    double bps = us > 0 ? bytes * 8e6 / us : 0;
    t->bitrates_bps[rung] = bps < (double)WEIR_CONTENT_MAX_BPS ? (int64_t)llround(bps) : INT64_MAX;
}

// What nothing told: bitrates, then sizes. Sets *guessed to how many sizes had to be guessed.
static int complete(struct reader *r, struct weir_content_track *track, const char *name)
{
    struct weir_content_tables *t = weir_content_tables(r->b, track);
    int64_t guessed = 0, all = track->segment_count * (int64_t)track->rung_count;
    for (size_t rung = 0; rung < track->rung_count; rung++) {
        if (t->bitrates_bps[rung] > 0)
            continue;
        measure_rung(track, t, rung);
        if (t->bitrates_bps[rung] == 0)
            return weir_error_set(r->b->error, WEIR_ERR_UNSUPPORTED, r->b->where,
                                  "%s rung %zu: neither its sizes nor its bandwidth are known",
                                  name, rung);
        weir_content_warn(r->b, "%s rung %zu: no declared bandwidth; it is that of its sizes", name,
                          rung);
    }
    for (int64_t i = 0; i < all; i++) {
        int64_t segment = i / (int64_t)track->rung_count;
        if (t->sizes_bytes[i] > 0)
            continue;
        t->sizes_bytes[i] = guess(t->bitrates_bps[i % (int64_t)track->rung_count],
                                  t->starts_us[segment + 1] - t->starts_us[segment]);
        guessed++;
    }
    if (guessed)
        weir_content_warn(r->b, "%s: %lld of %lld sizes are guessed from the declared bandwidth",
                          name, (long long)guessed, (long long)all);
    return 0;
}

// Tables of zeros alone mean that there is nothing to fetch.
static void drop_empty(struct weir_content_track *track, struct weir_content_tables *t)
{
    int64_t init = 0, index = 0;
    for (size_t i = 0; i < track->rung_count; i++) {
        init |= t->init_bytes[i];
        index |= t->index_bytes[i];
    }
    if (init == 0)
        track->init_bytes = t->init_bytes = NULL;
    if (index == 0)
        track->index_bytes = t->index_bytes = NULL;
}

static int measure(struct reader *r)
{
    weir_content_probe_files(r->items, r->item_count);
    if (!r->params)
        return 0;
    return weir_content_probe(r->items, r->item_count, r->p->url, r->params, r->b->error);
}

static int read_presentation(struct reader *r, const struct weir_manifest_input *in)
{
    struct weir_content *c = &r->b->content;
    struct weir_select_params select = {0};
    c->format = WEIR_CONTENT_MANIFEST;
    c->manifest_bytes = (int64_t)in->size_bytes;
    int err = weir_presentation_parse(in, &r->p, r->b->error);
    if (!err)
        err = weir_select(r->p, &select, &r->selection, r->b->error);
    if (!err)
        err = load_indexes(r);
    if (!err)
        err = take_tracks(r);
    if (!err)
        err = measure(r);
    if (!err)
        err = complete(r, &c->video, "video");
    if (!err && c->audio.rung_count)
        err = complete(r, &c->audio, "audio");
    if (err)
        return err;
    drop_empty(&c->video, &r->b->video);
    if (c->audio.rung_count)
        drop_empty(&c->audio, &r->b->audio);
    for (size_t i = 0; i < r->p->warning_count; i++)
        weir_content_warn(r->b, "%s", r->p->warnings[i]);
    return 0;
}

static int read_manifest(struct weir_content_build *b, const uint8_t *data, size_t size_bytes,
                         const char *url, const struct weir_content_record_params *params)
{
    struct reader r = {.b = b, .params = params};
    struct weir_manifest_input in = {.data = data,
                                     .size_bytes = size_bytes,
                                     .url = url,
                                     .allow_file_urls = is_file(url),
                                     .wall_clock_us = WEIR_TIME_NONE};
    int err = read_presentation(&r, &in);
    free(r.items);
    weir_selection_clear(&r.selection);
    weir_presentation_destroy(&r.p);
    return err;
}

int weir_content_read_manifest(struct weir_content_build *b, const char *data, size_t size_bytes,
                               const char *path)
{
    char url[WEIR_URL_MAX_BYTES];
    int len = weir_url_from_path(path, url, sizeof(url));
    if (len < 0)
        return weir_error_set(b->error, len, path, "not a usable path");
    return read_manifest(b, (const uint8_t *)data, size_bytes, url, NULL);
}

int weir_content_record(const char *url, const struct weir_content_record_params *params,
                        struct weir_content **out, struct weir_error *e)
{
    static const struct weir_content_record_params defaults;
    char full[WEIR_URL_MAX_BYTES];
    struct weir_content_build *b = NULL;
    struct weir_fetch_result got = {0};
    *out = NULL;
    params = params ? params : &defaults;
    int len = weir_url_is_absolute(url) ? weir_url_resolve(NULL, url, full, sizeof(full))
                                        : weir_url_from_path(url, full, sizeof(full));
    if (len < 0)
        return weir_error_set(e, len, url, "not a usable URL or path");
    int err = weir_content_build_create(url, e, &b);
    if (err)
        return err;
    struct weir_fetch_request req = {.url = full,
                                     .first_byte = -1,
                                     .last_byte = -1,
                                     .allow_file = is_file(full),
                                     .params = params->net};
    err = weir_fetch_blocking(&req, &got, e);
    if (!err)
        err = read_manifest(b, got.data, got.size_bytes, got.effective_url, params);
    weir_fetch_result_clear(&got);
    return weir_content_build_end(&b, err, out);
}
