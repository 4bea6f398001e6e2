// sim/rerun.c — see rerun.h: a log, line by line, against an engine.
#include "sim/rerun.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "sim/rerun_internal.h"

#define LINE_MAX_BYTES ((size_t)256 << 20)
// ,"sum":"0123456789abcdef"}
#define SUM_BYTES 26

struct rerun {
    const struct weir_rerun_params *params;
    struct weir_rerun_result *out;
    struct weir_rerun_engine engine;
    bool made;
    uint64_t sum;
    int64_t line;
    struct weir_actions actions;
};

static char *text_of(const json_t *v)
{
    return v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}

static void found(struct rerun *r, enum weir_rerun_finding finding, const json_t *line)
{
    r->out->finding = finding;
    r->out->line = r->line;
    r->out->t = json_number_value(json_object_get(line, "t"));
}

// --- is the line as it was written? ---

// A log without checksums is taken as it is.
static bool checksum_fits(struct rerun *r, const char *text, size_t size)
{
    const char *tail = size > SUM_BYTES ? text + size - SUM_BYTES : NULL;
    if (!tail || memcmp(tail, ",\"sum\":\"", 8) != 0)
        return r->sum == 0; // nor did the lines before it have one
    char *body = malloc(size);
    if (!body)
        return false;
    size_t length = size - SUM_BYTES;
    memcpy(body, text, length);
    body[length++] = '}';
    r->sum = weir_record_sum(r->sum, body, length);
    free(body);
    char want[SUM_BYTES + 1];
    (void)snprintf(want, sizeof(want), ",\"sum\":\"%016llx\"}", (unsigned long long)r->sum);
    return memcmp(tail, want, SUM_BYTES) == 0;
}

// --- does the engine do the same? ---

// Words may change between versions; what was decided may not.
static bool same_action(const json_t *a, const json_t *b)
{
    json_t *x = json_copy((json_t *)a), *y = json_copy((json_t *)b);
    (void)json_object_del(x, "reason");
    (void)json_object_del(y, "reason");
    bool same = json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return same;
}

static size_t first_other(const json_t *a, const json_t *b)
{
    size_t i = 0, n = json_array_size(a), m = json_array_size(b);
    while (i < n && i < m && same_action(json_array_get(a, i), json_array_get(b, i)))
        i++;
    return i;
}

static void count_decisions(struct rerun *r, const json_t *actions)
{
    for (size_t i = 0; i < json_array_size(actions); i++) {
        const char *what = json_string_value(json_object_get(json_array_get(actions, i), "report"));
        r->out->decisions += what && !strcmp(what, "decision");
    }
}

static void tell(struct rerun *r, const json_t *line, const json_t *logged, const json_t *now)
{
    found(r, WEIR_RERUN_DIFFERS, line);
    r->out->event = text_of(json_object_get(line, "in"));
    r->out->logged = logged ? text_of(logged) : strdup("nothing more");
    r->out->now = now ? text_of(now) : strdup("nothing more");
}

static int compare(struct rerun *r, const json_t *line, int64_t at_us)
{
    const json_t *logged = json_object_get(line, "out"), *stood = json_object_get(line, "state");
    json_t *now = weir_record_actions(&r->engine.names, &r->actions);
    json_t *stands = weir_record_state(r->engine.engine, at_us);
    if (!now || !stands || !json_is_array(logged)) {
        json_decref(now);
        json_decref(stands);
        return json_is_array(logged) ? WEIR_ERR_NOMEM : WEIR_ERR_SYNTAX;
    }
    size_t i = first_other(logged, now);
    if (i < json_array_size(logged) || i < json_array_size(now))
        tell(r, line, json_array_get(logged, i), json_array_get(now, i));
    else if (!json_equal(stood, stands))
        tell(r, line, stood, stands);
    else
        count_decisions(r, now);
    json_decref(now);
    json_decref(stands);
    return 0;
}

static int step(struct rerun *r, const json_t *line)
{
    struct weir_engine_event event;
    const json_t *at = json_object_get(line, "at");
    if (!r->made || !json_is_integer(at) ||
        weir_record_read_event(json_object_get(line, "in"), &event))
        return WEIR_ERR_SYNTAX;
    int64_t at_us = json_integer_value(at);
    if (weir_engine_step(r->engine.engine, at_us, &event, &r->actions)) {
        json_t *refused = json_string("the engine refuses the event");
        tell(r, line, json_object_get(line, "out"), refused);
        json_decref(refused);
        return 0;
    }
    int err = compare(r, line, at_us);
    if (!err && r->out->finding == WEIR_RERUN_SAME)
        r->out->steps++;
    return err;
}

// --- the log ---

static int read_line(struct rerun *r, const json_t *line, struct weir_error *error)
{
    const char *event = json_string_value(json_object_get(line, "event"));
    if (!event)
        return WEIR_ERR_SYNTAX;
    if (!strcmp(event, "open")) // another session begins: its engine follows
        r->made = false;
    if (!strcmp(event, "step"))
        return step(r, line);
    if (!strcmp(event, "index"))
        return r->made ? weir_rerun_engine_index(&r->engine, line) : WEIR_ERR_SYNTAX;
    if (strcmp(event, "engine") != 0)
        return 0;
    weir_rerun_engine_clear(&r->engine);
    int err = weir_rerun_engine_make(&r->engine, line, r->params->abr, error);
    r->made = !err;
    return err;
}

static int take(struct rerun *r, const char *text, size_t size, struct weir_error *error)
{
    json_error_t ignored;
    json_t *line = json_loadb(text, size, JSON_REJECT_DUPLICATES, &ignored);
    const char *event = json_string_value(json_object_get(line, "event"));
    if (event && !strcmp(event, "open")) // --loop: each pass counts its own
        r->sum = 0;
    if (!checksum_fits(r, text, size)) {
        found(r, WEIR_RERUN_CHANGED, line);
        json_decref(line);
        return 0;
    }
    int err = json_is_object(line) ? read_line(r, line, error) : WEIR_ERR_SYNTAX;
    json_decref(line);
    return err;
}

static int run(struct rerun *r, FILE *log, const char *where, struct weir_error *error)
{
    char *text = NULL;
    size_t room = 0;
    bool any = false;
    int err = 0;
    while (!err && r->out->finding == WEIR_RERUN_SAME) {
        ssize_t size = getline(&text, &room, log);
        if (size < 0)
            break;
        r->line++;
        while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
            size--;
        if (size == 0)
            continue;
        err = (size_t)size > LINE_MAX_BYTES ? WEIR_ERR_TOO_BIG : take(r, text, (size_t)size, error);
        any = any || r->made;
    }
    free(text);
    if (err && (!error || !error->code))
        return weir_error_set(error, err, where, "line %lld is no line of an event log",
                              (long long)r->line);
    if (!err && !any && r->out->finding == WEIR_RERUN_SAME) {
        err = weir_error_set(error, WEIR_ERR_SYNTAX, where, "it does not hold the engine's steps");
        weir_error_hint(error, "record them: weir play --events FILE --record URL");
    }
    return err;
}

int weir_rerun(FILE *log, const char *where, const struct weir_rerun_params *params,
               struct weir_rerun_result *out, struct weir_error *error)
{
    *out = (struct weir_rerun_result){0};
    struct rerun *r = calloc(1, sizeof(*r));
    if (!r)
        return weir_error_set(error, WEIR_ERR_NOMEM, where, "out of memory");
    r->params = params;
    r->out = out;
    int err = run(r, log, where, error);
    weir_rerun_engine_clear(&r->engine);
    free(r);
    return err;
}

void weir_rerun_result_clear(struct weir_rerun_result *r)
{
    free(r->event);
    free(r->logged);
    free(r->now);
    *r = (struct weir_rerun_result){0};
}
