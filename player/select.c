// player/select.c — see select.h. The choice is made once per presentation; the engine adapts
// within it.
#include "player/select.h"

#include <stdlib.h>
#include <string.h>

static bool has_role(const struct weir_track *t, const char *role)
{
    for (size_t i = 0; i < t->role_count; i++)
        if (t->roles[i].value && !strcmp(t->roles[i].value, role))
            return true;
    return false;
}

// Carried inside the variants themselves: an EXT-X-MEDIA without URI.
static bool in_variant(const struct weir_representation *r)
{
    return r->index_need == WEIR_INDEX_PLAYLIST && !r->index_url;
}

static bool usable(const struct weir_track *t, enum weir_track_type type)
{
    return t->type == type && !t->trick_mode && t->representation_count > 0 &&
           t->protection_count == 0 && !in_variant(&t->representations[0]);
}

static bool any_supported(const struct weir_track *t)
{
    for (size_t i = 0; i < t->representation_count; i++)
        if (weir_codecs_supported(t->representations[i].codecs, NULL))
            return true;
    return false;
}

// 0 for no match, else higher for earlier in the wish list. "en" matches "en-GB" (RFC 4647, 3.3.1).
static int language_rank(const char *wishes, const char *lang)
{
    int rank = 64;
    for (const char *at = wishes; at && *at && lang; rank--) {
        size_t len = strcspn(at, ",");
        if (len > 0 && !strncasecmp(at, lang, len) && (lang[len] == '\0' || lang[len] == '-'))
            return rank > 1 ? rank : 1;
        at += len + (at[len] == ',');
    }
    return 0;
}

static int track_score(const struct weir_track *t, const struct weir_select_params *params)
{
    int score = 0;
    bool audio = t->type == WEIR_TRACK_AUDIO; // a language of sound says nothing about pictures
    if (audio && params->audio_id &&
        ((t->id && !strcmp(t->id, params->audio_id)) ||
         (t->label && !strcmp(t->label, params->audio_id))))
        score += 100000;
    if (audio)
        score += 100 * language_rank(params->audio_languages, t->lang);
    score += t->is_default ? 20 : 0;
    score += has_role(t, "main") ? 10 : 0;
    score -= has_role(t, "description") || has_role(t, "commentary") || has_role(t, "alternate")
                 ? 15
                 : 0;
    return score;
}

static const struct weir_track *best_track(const struct weir_period *period,
                                           enum weir_track_type type,
                                           const struct weir_select_params *params)
{
    const struct weir_track *best = NULL;
    int best_score = 0;
    for (size_t i = 0; i < period->track_count; i++) {
        const struct weir_track *t = &period->tracks[i];
        if (!usable(t, type) || !any_supported(t))
            continue;
        int score = track_score(t, params);
        if (!best || score > best_score) {
            best = t;
            best_score = score;
        }
    }
    return best;
}

// "avc1.64001f" and "avc3.…" are one family; a change of family would need another decoder at every
// switch.
static bool same_family(const char *a, const char *b)
{
    if (!a || !b)
        return true;
    return !strncmp(a, b, 3) || ((!strncmp(a, "hvc1", 4) || !strncmp(a, "hev1", 4)) &&
                                 (!strncmp(b, "hvc1", 4) || !strncmp(b, "hev1", 4)));
}

static int by_bandwidth(const void *a, const void *b)
{
    const struct weir_representation *x = *(struct weir_representation *const *)a;
    const struct weir_representation *y = *(struct weir_representation *const *)b;
    if (x->bandwidth_bps != y->bandwidth_bps)
        return x->bandwidth_bps < y->bandwidth_bps ? -1 : 1;
    return x < y ? -1 : x > y; // manifest order
}

static bool within_bounds(const struct weir_representation *r,
                          const struct weir_select_params *params)
{
    return (params->max_height <= 0 || r->height <= params->max_height) &&
           (params->max_bitrate_bps <= 0 || r->bandwidth_bps <= params->max_bitrate_bps);
}

// The rungs of one track: decodable, one codec family, within the user's bounds (or, if none is,
// the lowest alone).
static int collect_rungs(struct weir_arena *arena, const struct weir_track *t,
                         const struct weir_select_params *params, struct weir_engine_rungs *out)
{
    struct weir_representation **rungs =
        weir_arena_array(arena, t->representation_count, sizeof(*rungs));
    if (!rungs)
        return WEIR_ERR_NOMEM;
    size_t count = 0;
    const char *family = NULL;
    for (size_t i = 0; i < t->representation_count; i++) {
        struct weir_representation *r = &t->representations[i];
        if (!weir_codecs_supported(r->codecs, NULL) || !same_family(family, r->codecs) ||
            in_variant(r))
            continue;
        if (!family)
            family = r->codecs;
        rungs[count++] = r;
    }
    qsort(rungs, count, sizeof(*rungs), by_bandwidth);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (t->type != WEIR_TRACK_VIDEO || within_bounds(rungs[i], params))
            rungs[kept++] = rungs[i];
    if (kept == 0 && count > 0)
        kept = 1; // nothing is within the bounds: the lowest is nearest to them
    *out = (struct weir_engine_rungs){.rungs = rungs, .count = kept};
    return 0;
}

// Bits per second of a rendition whose playlist declares none (EXT-X-MEDIA has no bandwidth), by
// its place: chosen by hand, so that groups in rising order are a ladder.
#define UNDECLARED_AUDIO_BPS 64000

static bool same_language(const struct weir_track *a, const struct weir_track *b)
{
    return !a->lang || !b->lang || !strcasecmp(a->lang, b->lang);
}

// The rendition of another group that stands for `chosen` there: of the same NAME (RFC
// 8216bis, 4.4.6.1.1), or, as packagers that number names do not care, the only one in its
// language.
static const struct weir_track *counterpart(const struct weir_period *period,
                                            const struct weir_track *chosen, const char *group_id)
{
    const struct weir_track *only = NULL;
    size_t count = 0;
    for (size_t i = 0; i < period->track_count; i++) {
        const struct weir_track *t = &period->tracks[i];
        if (!usable(t, WEIR_TRACK_AUDIO) || !t->group_id || strcmp(t->group_id, group_id) != 0 ||
            !same_language(t, chosen))
            continue;
        if (t->label && chosen->label && !strcmp(t->label, chosen->label))
            return t;
        only = t;
        count++;
    }
    return count == 1 ? only : NULL;
}

// One track at several qualities: a rendition from each group, in the order of the playlist.
static int collect_renditions(struct weir_arena *arena, const struct weir_period *period,
                              const struct weir_track *chosen,
                              const struct weir_select_params *params,
                              struct weir_engine_rungs *out)
{
    if (!chosen->group_id)
        return collect_rungs(arena, chosen, params, out);
    struct weir_representation **rungs =
        weir_arena_array(arena, period->track_count, sizeof(*rungs));
    if (!rungs)
        return WEIR_ERR_NOMEM;
    size_t count = 0;
    for (size_t i = 0; i < period->track_count; i++) {
        const struct weir_track *t = &period->tracks[i];
        bool stands = t == chosen || (t->group_id && strcmp(t->group_id, chosen->group_id) != 0 &&
                                      counterpart(period, chosen, t->group_id) == t);
        struct weir_representation *r = stands ? &t->representations[0] : NULL;
        if (!r || in_variant(r) || !weir_codecs_supported(r->codecs, NULL))
            continue;
        if (r->bandwidth_bps <= 0)
            r->bandwidth_bps = UNDECLARED_AUDIO_BPS * (int64_t)(count + 1);
        rungs[count++] = r;
    }
    qsort(rungs, count, sizeof(*rungs), by_bandwidth);
    *out = (struct weir_engine_rungs){.rungs = rungs, .count = count};
    return 0;
}

static bool carries_sound(const struct weir_engine_rungs *video)
{
    for (size_t i = 0; i < video->count; i++)
        if (video->rungs[i]->muxed != WEIR_MUXED_NO)
            return true;
    return false;
}

static void note_largest(struct weir_selection *s, const struct weir_engine_rungs *video)
{
    for (size_t i = 0; i < video->count; i++) {
        const struct weir_representation *r = video->rungs[i];
        if ((int64_t)r->width * r->height > (int64_t)s->max_width * s->max_height) {
            s->max_width = r->width;
            s->max_height = r->height;
            s->video_codecs = r->codecs;
        }
    }
}

static bool period_has(const struct weir_period *period, enum weir_track_type type)
{
    for (size_t i = 0; i < period->track_count; i++)
        if (period->tracks[i].type == type && !period->tracks[i].trick_mode &&
            period->tracks[i].representation_count > 0)
            return true;
    return false;
}

// --no-video where only the video segments carry sound.
static int sound_of_video(struct weir_selection *s, const struct weir_period *period,
                          const struct weir_select_params *params, struct weir_engine_rungs *out,
                          bool *muxed)
{
    const struct weir_track *t = best_track(period, WEIR_TRACK_VIDEO, params);
    int err = t ? collect_rungs(&s->arena, t, params, out) : 0;
    *muxed = !err && carries_sound(out);
    if (!*muxed)
        *out = (struct weir_engine_rungs){0};
    return err;
}

static int select_period(struct weir_selection *s, const struct weir_period *period,
                         const struct weir_select_params *params, struct weir_engine_period *out)
{
    *out = (struct weir_engine_period){.start_us = period->start_us, .end_us = WEIR_TIME_NONE};
    if (period->duration_us != WEIR_TIME_NONE)
        out->end_us = period->start_us + period->duration_us;
    struct weir_engine_rungs *video = &out->tracks[WEIR_ENGINE_VIDEO],
                             *audio = &out->tracks[WEIR_ENGINE_AUDIO];
    const struct weir_track *vt =
        params->no_video ? NULL : best_track(period, WEIR_TRACK_VIDEO, params);
    if (!vt && !params->no_video && period_has(period, WEIR_TRACK_VIDEO))
        return WEIR_ERR_UNSUPPORTED; // pictures that cannot be shown: not silently sound alone
    int err = 0;
    if (vt)
        err = collect_rungs(&s->arena, vt, params, video);
    const struct weir_track *at =
        params->no_audio ? NULL : best_track(period, WEIR_TRACK_AUDIO, params);
    bool muxed = vt && !params->no_audio && carries_sound(video);
    if (at && muxed && !at->group_id)
        at = NULL; // audio-only variants beside variants that have sound of their own
    if (!at && params->no_video &&
        !params->no_audio) // sound inside video segments: those are fetched for it
        err = sound_of_video(s, period, params, video, &muxed);
    if (at && !err)
        err = collect_renditions(&s->arena, period, at, params, audio);
    if (err)
        return err;
    note_largest(s, video);
    s->muxed_audio |= muxed && !at;
    s->has[WEIR_ENGINE_VIDEO] |= video->count > 0;
    s->has[WEIR_ENGINE_AUDIO] |= audio->count > 0;
    if (!s->tracks[WEIR_ENGINE_VIDEO])
        s->tracks[WEIR_ENGINE_VIDEO] = vt;
    if (!s->tracks[WEIR_ENGINE_AUDIO])
        s->tracks[WEIR_ENGINE_AUDIO] = at;
    return 0;
}

// Why nothing can be played, in the order in which a user can do something about it.
static int explain_nothing(const struct weir_presentation *p,
                           const struct weir_select_params *params, struct weir_error *error)
{
    char unknown[64];
    for (size_t i = 0; i < p->period_count; i++) {
        for (size_t k = 0; k < p->periods[i].track_count; k++) {
            const struct weir_track *t = &p->periods[i].tracks[k];
            bool wanted = (t->type == WEIR_TRACK_VIDEO && !params->no_video) ||
                          (t->type == WEIR_TRACK_AUDIO && !params->no_audio);
            if (wanted && t->protection_count > 0) {
                weir_error_set(error, WEIR_ERR_UNSUPPORTED, p->url, "the content is encrypted");
                weir_error_why(error, "scheme %s",
                               t->protections[0].scheme ? t->protections[0].scheme : "unknown");
                return WEIR_ERR_UNSUPPORTED;
            }
            if (wanted && t->representation_count > 0 &&
                !weir_codecs_supported(t->representations[0].codecs, unknown)) {
                weir_error_set(error, WEIR_ERR_UNSUPPORTED, p->url, "codec %s is not supported",
                               unknown);
                weir_error_why(error, "the FFmpeg in use has no decoder for it");
                return WEIR_ERR_UNSUPPORTED;
            }
        }
    }
    weir_error_set(error, WEIR_ERR_UNSUPPORTED, p->url, "nothing to play");
    weir_error_why(error, "no %s track is left",
                   params->no_video   ? "audio"
                   : params->no_audio ? "video"
                                      : "video or audio");
    return WEIR_ERR_UNSUPPORTED;
}

int weir_select(const struct weir_presentation *p, const struct weir_select_params *params,
                struct weir_selection *out, struct weir_error *error)
{
    *out = (struct weir_selection){0};
    if (p->live)
        return weir_error_set(error, WEIR_ERR_UNSUPPORTED, p->url,
                              "live streams are not supported yet");
    weir_arena_init(&out->arena, 0);
    struct weir_engine_period *periods =
        weir_arena_array(&out->arena, p->period_count, sizeof(*periods));
    int err = periods ? 0 : WEIR_ERR_NOMEM;
    size_t count = 0;
    for (size_t i = 0; i < p->period_count && !err; i++) {
        err = select_period(out, &p->periods[i], params, &periods[count]);
        if (periods[count].tracks[WEIR_ENGINE_VIDEO].count ||
            periods[count].tracks[WEIR_ENGINE_AUDIO].count)
            count++;
    }
    if (err == WEIR_ERR_NOMEM)
        weir_error_set(error, err, p->url, "%s", weir_strerror(err));
    else if (err || count == 0)
        err = explain_nothing(p, params, error);
    out->content = (struct weir_engine_content){.periods = periods, .period_count = count};
    if (err)
        weir_selection_clear(out);
    return err;
}

void weir_selection_clear(struct weir_selection *s)
{
    weir_arena_clear(&s->arena);
    *s = (struct weir_selection){0};
}
