// manifest/mpd_set.c — an AdaptationSet and its Representations: what kind of track it is, and the
// attributes that a Representation takes from its set unless it has its own (ISO/IEC
// 23009-1, 5.3.3, 5.3.5, 5.3.7).
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "manifest/mpd.h"

static const char *inherit(const xmlNode *rep, const xmlNode *set, const char *name)
{
    const char *own = weir_xml_attr(rep, name);
    return own ? own : weir_xml_attr(set, name);
}

static bool begins(const char *s, const char *prefix)
{
    return s && strncasecmp(s, prefix, strlen(prefix)) == 0;
}

static bool type_from_word(const char *word, enum weir_track_type *out)
{
    static const struct {
        const char *word;
        enum weir_track_type type;
    } words[] = {{"video", WEIR_TRACK_VIDEO},
                 {"audio", WEIR_TRACK_AUDIO},
                 {"text", WEIR_TRACK_TEXT},
                 {"image", WEIR_TRACK_IMAGE},
                 {"application/ttml", WEIR_TRACK_TEXT},
                 {"application/x-rawcc", WEIR_TRACK_TEXT},
                 {"application/cea-", WEIR_TRACK_TEXT}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (begins(word, words[i].word)) {
            *out = words[i].type;
            return true;
        }
    }
    return false;
}

static bool type_from_codecs(const char *codecs, enum weir_track_type *out)
{
    struct weir_codec_kinds k = weir_codec_kinds(codecs);
    if (!k.video && !k.audio && !k.text)
        return false;
    *out = k.video ? WEIR_TRACK_VIDEO : k.audio ? WEIR_TRACK_AUDIO : WEIR_TRACK_TEXT;
    return true;
}

static bool has_text_role(const xmlNode *set)
{
    for (const xmlNode *n = weir_xml_child(set, "Role"); n; n = weir_xml_next(n, "Role")) {
        const char *v = weir_xml_attr(n, "value");
        if (begins(v, "caption") || begins(v, "subtitle") || begins(v, "forced"))
            return true;
    }
    return false;
}

// @contentType, else @mimeType, else codecs, of the set and then of its first Representation, else
// a component's.
static bool tell_type(const xmlNode *set, enum weir_track_type *out)
{
    const xmlNode *rep = weir_xml_child(set, "Representation");
    const xmlNode *component = weir_xml_child(set, "ContentComponent");
    // A set of tiles for scrubbing is image/*, whatever else it says.
    if (begins(inherit(rep, set, "mimeType"), "image/")) {
        *out = WEIR_TRACK_IMAGE;
        return true;
    }
    if (type_from_word(weir_xml_attr(set, "contentType"), out) ||
        type_from_word(inherit(rep, set, "mimeType"), out))
        return true;
    if (type_from_codecs(inherit(rep, set, "codecs"), out) ||
        type_from_word(weir_xml_attr(rep, "contentType"), out))
        return true;
    if (component && type_from_word(weir_xml_attr(component, "contentType"), out))
        return true;
    // Sizes speak as well as names.
    if (inherit(rep, set, "width") || inherit(rep, set, "frameRate"))
        *out = WEIR_TRACK_VIDEO;
    else if (inherit(rep, set, "audioSamplingRate"))
        *out = WEIR_TRACK_AUDIO;
    else if (has_text_role(set))
        *out = WEIR_TRACK_TEXT;
    else
        return false;
    return true;
}

static int read_int(const char *s)
{
    int64_t v;
    return weir_parse_int64(s, &v) && v > 0 && v <= INT_MAX ? (int)v : 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Bits set in a hex mask, each worth its number of speakers.
static int count_mask(const char *s, const int *per_bit, int bits)
{
    int channels = 0;
    unsigned mask = 0;
    size_t len = 0;
    if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
        s += 2;
    for (; hex_digit(s[len]) >= 0; len++) {
        if (len == 8)
            return 0;
        mask = mask << 4 | (unsigned)hex_digit(s[len]);
    }
    if (s[len] || !len)
        return 0;
    for (int i = 0; i < bits; i++)
        channels += mask >> i & 1u ? per_bit[i] : 0;
    return channels;
}

static int count_words(const char *s)
{
    int n = 0;
    for (; *s && n < 64; n++) {
        s += strspn(s, " \t\r\n");
        if (!*s)
            break;
        s += strcspn(s, " \t\r\n");
    }
    return n;
}

// One AudioChannelConfiguration (5.8.4.7); 0 where the scheme is unknown.
static int read_channels(const char *scheme, const char *value)
{
    // ISO/IEC 23001-8, ChannelConfiguration: an index, not a count, from 7 on.
    static const int cicp[] = {0, 1, 2,  3, 4,  5,  6,  8,  2,  3, 4,
                               7, 8, 24, 8, 12, 10, 12, 14, 12, 14};
    // ETSI TS 102 366, E.1.3.1.8, from the least significant bit: LFE, LFE2, Lts/Rts, …, Ls, R, C,
    // L; pairs count twice.
    static const int dolby[] = {1, 1, 2, 1, 2, 2, 2, 1, 1, 2, 2, 1, 1, 1, 1, 1};
    // ETSI TS 103 190-2, G.3.2: L/R, C, Ls/Rs, Lb/Rb, Tfl/Tfr, Tbl/Tbr, LFE, TL/TR, …
    static const int ac4[] = {2, 1, 2, 2, 2, 2, 1, 2, 2, 1, 1, 1, 1, 2, 1, 1, 2, 2};
    // ETSI TS 102 114, DTS-UHD speaker mask.
    static const int dts[] = {1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2, 2, 1, 2, 1, 2,
                              1, 2, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 1, 1, 1};
    int n = read_int(value);
    if (!scheme || !value)
        return 0;
    if (strcasecmp(scheme, "urn:mpeg:dash:23003:3:audio_channel_configuration:2011") == 0)
        return n;
    if (begins(scheme, "urn:mpeg:mpegB:cicp:ChannelConfiguration"))
        return n < (int)(sizeof(cicp) / sizeof(cicp[0])) ? cicp[n] : 0;
    if (begins(scheme, "tag:dolby.com,2014:dash:audio_channel_configuration") ||
        begins(scheme, "urn:dolby:dash:audio_channel_configuration"))
        return count_mask(value, dolby, 16);
    if (begins(scheme, "tag:dolby.com,2015:dash:audio_channel_configuration"))
        return count_mask(value, ac4, 18);
    if (begins(scheme, "tag:dts.com,2014:dash:audio_channel_configuration"))
        return n;
    if (begins(scheme, "tag:dts.com,2018:uhd:audio_channel_configuration"))
        return count_mask(value, dts, 32);
    if (begins(scheme, "urn:mpeg:dash:outputChannelPositionList"))
        return count_words(value);
    return 0;
}

static int channels_below(const xmlNode *node)
{
    for (const xmlNode *n = weir_xml_child(node, "AudioChannelConfiguration"); n;
         n = weir_xml_next(n, "AudioChannelConfiguration")) {
        int c = read_channels(weir_xml_attr(n, "schemeIdUri"), weir_xml_attr(n, "value"));
        if (c)
            return c;
    }
    return 0;
}

static void read_media(struct weir_mpd *m, const xmlNode *set, const xmlNode *rep,
                       struct weir_representation *r)
{
    const char *rate = inherit(rep, set, "frameRate");
    int64_t sar_num, sar_den;
    r->id = weir_mpd_keep(m, weir_xml_attr(rep, "id"));
    r->codecs = weir_mpd_keep(m, inherit(rep, set, "codecs"));
    r->mime = weir_mpd_keep(m, inherit(rep, set, "mimeType"));
    r->width = read_int(inherit(rep, set, "width"));
    r->height = read_int(inherit(rep, set, "height"));
    if (rate && !weir_parse_ratio(rate, &r->frame_rate_num, &r->frame_rate_den))
        weir_presentation_warn(m->p, "line %ld: frameRate=\"%.40s\" is no rate: ignored",
                               weir_xml_line(rep), rate);
    if (weir_parse_ratio(inherit(rep, set, "sar"), &sar_num, &sar_den) && sar_num <= INT_MAX &&
        sar_den <= INT_MAX) {
        r->sar_num = (int)sar_num;
        r->sar_den = (int)sar_den;
    }
    // One number, or a range "lowest highest": the highest.
    const char *audio = inherit(rep, set, "audioSamplingRate");
    if (audio && strchr(audio, ' ') && count_words(audio) == 2)
        audio = strrchr(audio, ' ') + 1;
    r->audio_rate = read_int(audio);
    r->channels = channels_below(rep);
    if (!r->channels)
        r->channels = channels_below(set);
    struct weir_codec_kinds k = weir_codec_kinds(r->codecs);
    r->muxed = k.video && k.audio ? WEIR_MUXED_YES : WEIR_MUXED_NO;
    if (!weir_parse_int64(weir_xml_attr(rep, "bandwidth"), &r->bandwidth_bps) ||
        r->bandwidth_bps <= 0) {
        r->bandwidth_bps = 0;
        weir_presentation_warn(m->p,
                               "line %ld: Representation \"%.60s\" has no bandwidth: ranked last",
                               weir_xml_line(rep), r->id ? r->id : "");
    }
}

static bool read_representation(struct weir_mpd *m, const struct weir_mpd_period *period,
                                const xmlNode *set, const struct weir_bases *set_bases,
                                const xmlNode *rep, struct weir_representation *r)
{
    struct weir_mpd_levels levels = {{rep, set, period->node}};
    struct weir_bases bases;
    long line = weir_xml_line(rep);
    const char *scheme = weir_mpd_unknown_essential(rep);
    if (scheme) {
        weir_presentation_warn(m->p, "line %ld: a Representation needs %.100s: dropped", line,
                               scheme);
        return false;
    }
    if (weir_xml_attr(rep, "dependencyId")) {
        weir_presentation_warn(m->p, "line %ld: a Representation depends on another: dropped",
                               line);
        return false;
    }
    read_media(m, set, rep, r);
    if (weir_mpd_bases(m, rep, set_bases, &bases)) {
        weir_presentation_warn(
            m->p, "line %ld: no BaseURL of the Representation may be fetched: dropped", line);
        return false;
    }
    const char **locations = weir_mpd_array(m, bases.count, sizeof(*locations));
    if (!locations)
        return false;
    memcpy(locations, bases.locations, bases.count * sizeof(*locations));
    r->service_locations = locations;
    r->base_count = bases.count;
    return weir_mpd_segments(m, period, &levels, &bases, r);
}

static void read_representations(struct weir_mpd *m, const struct weir_mpd_period *period,
                                 const xmlNode *set, const struct weir_bases *bases,
                                 struct weir_track *out)
{
    size_t count = weir_xml_count(set, "Representation");
    if (count > WEIR_MAX_REPRESENTATIONS) {
        weir_presentation_warn(
            m->p, "line %ld: more than %d Representations in a set: the rest is ignored",
            weir_xml_line(set), WEIR_MAX_REPRESENTATIONS);
        count = WEIR_MAX_REPRESENTATIONS;
    }
    out->representations = weir_mpd_array(m, count, sizeof(*out->representations));
    const xmlNode *n = weir_xml_child(set, "Representation");
    for (size_t i = 0; i < count && n && !m->no_memory;
         i++, n = weir_xml_next(n, "Representation")) {
        struct weir_representation *r = &out->representations[out->representation_count];
        *r = (struct weir_representation){0};
        if (read_representation(m, period, set, bases, n, r))
            out->representation_count++;
    }
}

static bool has_descriptor(const xmlNode *set, const char *element, const char *scheme)
{
    for (const xmlNode *n = weir_xml_child(set, element); n; n = weir_xml_next(n, element)) {
        const char *s = weir_xml_attr(n, "schemeIdUri");
        if (s && strcasecmp(s, scheme) == 0)
            return true;
    }
    return false;
}

static bool has_role(const struct weir_track *t, const char *value)
{
    for (size_t i = 0; i < t->role_count; i++) {
        if (t->roles[i].value && strcmp(t->roles[i].value, value) == 0)
            return true;
    }
    return false;
}

static void read_names(struct weir_mpd *m, const xmlNode *set, struct weir_track *out)
{
    const char *trick = "http://dashif.org/guidelines/trickmode";
    const xmlNode *label = weir_xml_child(set, "Label");
    const char *lang = weir_xml_attr(set, "lang");
    const xmlNode *component = weir_xml_child(set, "ContentComponent");
    if (!lang && component)
        lang = weir_xml_attr(component, "lang");
    if (!lang)
        lang = weir_xml_attr(weir_xml_child(set, "Representation"), "lang");
    out->id = weir_mpd_keep(m, weir_xml_attr(set, "id"));
    out->lang = lang && *lang ? weir_mpd_keep(m, lang) : NULL;
    out->label =
        label ? weir_xml_text(m->arena, label) : weir_mpd_keep(m, weir_xml_attr(set, "label"));
    out->roles = weir_mpd_descriptors(m, set, "Role", &out->role_count);
    out->accessibility = weir_mpd_descriptors(m, set, "Accessibility", &out->accessibility_count);
    out->is_default = has_role(out, "main");
    out->forced = has_role(out, "forced-subtitle") || has_role(out, "forced_subtitle");
    out->trick_mode = has_descriptor(set, "EssentialProperty", trick) ||
                      has_descriptor(set, "SupplementalProperty", trick);
}

bool weir_mpd_set(struct weir_mpd *m, const struct weir_mpd_period *period, const xmlNode *set,
                  struct weir_track *out)
{
    struct weir_bases bases;
    long line = weir_xml_line(set);
    const char *scheme = weir_mpd_unknown_essential(set);
    if (scheme) {
        weir_presentation_warn(m->p, "line %ld: an AdaptationSet needs %.100s: dropped", line,
                               scheme);
        return false;
    }
    if (!tell_type(set, &out->type)) {
        weir_presentation_warn(
            m->p, "line %ld: the type of an AdaptationSet cannot be told: dropped", line);
        return false;
    }
    if (weir_mpd_bases(m, set, &period->bases, &bases)) {
        weir_presentation_warn(
            m->p, "line %ld: no BaseURL of the AdaptationSet may be fetched: dropped", line);
        return false;
    }
    read_names(m, set, out);
    weir_mpd_protection(m, set, out);
    read_representations(m, period, set, &bases, out);
    if (out->representation_count == 0) {
        weir_presentation_warn(
            m->p, "line %ld: an AdaptationSet without a usable Representation: dropped", line);
        return false;
    }
    return true;
}
