// abr/weir.c — Weir's own algorithm and the player's default: the rung whose expected quality,
// stalls and switches of this segment, together with the worth of the buffer that it leaves
// (weir_value.h), are best over what the throughput may turn out to be (weir_predict.h). Gives up
// a transfer when the buffer is nearly out and a smaller one is worth more. docs/abr.md explains.
#include <string.h>

#include "abr/algorithms.h"
#include "abr/options.h"
#include "abr/quality.h"
#include "abr/weir_predict.h"
#include "abr/weir_progress.h"
#include "abr/weir_value.h"

// The value function's steps are whole segments, so many that a full buffer is about this many.
#define STEPS_PER_BUFFER 9.0
#define SEGMENTS_MAX     1e6
// Segments shorter or longer than this are taken for so long.
#define DURATION_LEAST_US (WEIR_SECOND_US / 10)
#define DURATION_MOST_US  (60 * WEIR_SECOND_US)
// A transfer that may have to be given up is looked at so often.
#define LOOK_US INT64_C(200000)
// Looks begin so long before, for its rate to be known.
#define LEAD_US (WEIR_PROGRESS_MARKS * WEIR_PROGRESS_WINDOW_US)

struct weir {
    double linear;     // share of linear quality, the rest is logarithmic
    double carry;      // of a surprise in throughput, what stays
    double collapse;   // probability of one, per step
    double rescue;     // segments of buffer below which a transfer may be given up at once
    double patience;   // … and above it once the buffer over that is so many times its age
    double hesitation; // quality that giving up must gain
    size_t horizon;    // steps
    struct weir_predict predict;
    bool begun;          // a segment of this session was decided
    int64_t duration_us; // that the tables are made for
    int64_t buffer_max_us;
    struct weir_progress progress;
    double seen_rate;              // of the transfer in flight, bytes per second
    size_t rung[WEIR_VALUE_RUNGS]; // of the ladder, for each rung of the value function
    struct weir_quality ladder;
    double quality[WEIR_QUALITY_MAX_RUNGS]; // of the ladder's rungs, 0 … 1
    struct weir_value value;
};

static void reset(void *state)
{
    struct weir *s = state;
    weir_predict_reset(&s->predict);
    weir_progress_forget(&s->progress);
    s->begun = false;
}

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct weir *s = state;
    s->linear = 0.35;
    s->carry = 0.15;
    s->collapse = 0.003;
    s->rescue = 1.8;
    s->patience = 0.7;
    s->hesitation = 0.15;
    s->horizon = 16;
    s->predict.half_life = 1.3;
    s->predict.prior_error = 0.2;
    s->predict.memory = 25;
    const struct weir_abr_param params[] = {
        {.key = "linear", .kind = WEIR_ABR_PARAM_REAL, .value = &s->linear, .min = 0, .max = 1},
        {.key = "carry", .kind = WEIR_ABR_PARAM_REAL, .value = &s->carry, .min = 0, .max = 1},
        {.key = "collapse", .kind = WEIR_ABR_PARAM_REAL, .value = &s->collapse, .min = 0, .max = 1},
        {.key = "rescue", .kind = WEIR_ABR_PARAM_REAL, .value = &s->rescue, .min = 0, .max = 100},
        {.key = "patience", .kind = WEIR_ABR_PARAM_REAL, .value = &s->patience, .max = 1000},
        {.key = "hesitation", .kind = WEIR_ABR_PARAM_REAL, .value = &s->hesitation, .max = 100},
        {.key = "horizon", .kind = WEIR_ABR_PARAM_COUNT, .value = &s->horizon},
        {.key = "halflife",
         .kind = WEIR_ABR_PARAM_REAL,
         .value = &s->predict.half_life,
         .min = 0.01,
         .max = 100},
        {.key = "error",
         .kind = WEIR_ABR_PARAM_REAL,
         .value = &s->predict.prior_error,
         .min = 0.01,
         .max = 3},
        {.key = "memory",
         .kind = WEIR_ABR_PARAM_REAL,
         .value = &s->predict.memory,
         .min = 0.1,
         .max = 1000},
    };
    int err =
        weir_abr_options_read("weir", options, params, sizeof(params) / sizeof(params[0]), error);
    if (!err && (s->horizon < 1 || s->horizon > WEIR_VALUE_STEPS))
        return weir_error_set(error, WEIR_ERR_INVAL, "--abr", "weir: a horizon of 1 to %d steps",
                              WEIR_VALUE_STEPS);
    if (!err)
        reset(s);
    return err;
}

static double min(double a, double b)
{
    return a < b ? a : b;
}

static double max(double a, double b)
{
    return a > b ? a : b;
}

// A compromise between the two usual measures of quality, the top rung being 1 in each.
static void grade(struct weir *s)
{
    size_t top = s->ladder.count - 1;
    for (size_t j = 0; j <= top; j++) {
        double linear = s->ladder.linear[j] / s->ladder.linear[top];
        double log = s->ladder.log[top] > 0 ? s->ladder.log[j] / s->ladder.log[top] : 1;
        s->quality[j] = s->linear * linear + (1 - s->linear) * log;
    }
}

static double nominal_bytes(const struct weir *s, size_t rung)
{
    return s->ladder.linear[rung] * (double)s->duration_us / 8;
}

// Segments in a step of the value function.
static double segments_of(const struct weir *s)
{
    double buffered = (double)s->buffer_max_us / (double)s->duration_us;
    double segments = max(1, min(buffered / STEPS_PER_BUFFER, SEGMENTS_MAX));
    double whole = (double)(int64_t)segments;
    return whole < segments ? whole + 1 : whole;
}

// Tables for this ladder, segment length and buffer. Segments a little longer than the first, and
// shorter ones, keep them.
static void prepare(struct weir *s, const struct weir_abr_observation *o)
{
    bool changed = weir_quality_update(&s->ladder, o->ladder);
    int64_t duration_us = o->segment_duration_us > 0 ? o->segment_duration_us : 2 * WEIR_SECOND_US;
    duration_us = duration_us > DURATION_LEAST_US ? duration_us : DURATION_LEAST_US;
    duration_us = duration_us < DURATION_MOST_US ? duration_us : DURATION_MOST_US;
    if (s->begun && !changed && duration_us <= s->duration_us + s->duration_us / 8 &&
        o->buffer_max_us == s->buffer_max_us)
        return;
    s->begun = true;
    s->duration_us = duration_us;
    s->buffer_max_us = o->buffer_max_us;
    grade(s);
    double segments = segments_of(s);
    struct weir_value_shape shape;
    memset(&shape, 0, sizeof(shape));
    shape.rungs = s->ladder.count < WEIR_VALUE_RUNGS ? s->ladder.count : WEIR_VALUE_RUNGS;
    shape.segments = segments;
    shape.step_s = segments * (double)s->duration_us / 1e6;
    shape.room_s = max((double)(s->buffer_max_us - s->duration_us) / 1e6, shape.step_s);
    shape.carry = s->carry;
    shape.collapse = s->collapse;
    shape.horizon = (double)s->horizon;
    for (size_t i = 0; i < shape.rungs; i++) {
        s->rung[i] = shape.rungs > 1 ? i * (s->ladder.count - 1) / (shape.rungs - 1) : 0;
        shape.quality[i] = s->quality[s->rung[i]];
        shape.bytes[i] = segments * nominal_bytes(s, s->rung[i]);
    }
    weir_value_set(&s->value, &shape);
}

// All that the options of one decision share.
struct outlook {
    const struct weir_abr_observation *o;
    const weir_value_layer *future; // NULL: the last segment
    double share;                   // of it that is to come
    struct weir_scenarios scenarios;
    struct weir_value_rate then[WEIR_VALUE_SCENARIOS]; // throughput after this segment
    double per_byte_s;                                 // at the throughput predicted
    double level_s, room_s, duration_s, latency_s;
    double quality_before;
    bool has_before;
};

static double steps_left(const struct weir *s, const struct weir_abr_observation *o)
{
    if (o->until_end_us == WEIR_ABR_NO_TIME)
        return WEIR_VALUE_STEPS;
    double media_s = ((double)o->until_end_us - (double)o->segment_duration_us) / 1e6;
    return media_s / s->value.shape.step_s + 0.01; // the last segment may be a little short
}

// `rate`: of the transfer to come, bytes per second.
static struct outlook look_out(struct weir *s, const struct weir_abr_observation *o, double rate)
{
    double spread = weir_predict_spread(&s->predict), steps = steps_left(s, o);
    size_t last = o->last_rung < s->ladder.count ? o->last_rung : s->ladder.count - 1;
    struct outlook l = {
        .o = o,
        .future = weir_value_with(&s->value, spread, steps),
        .share = min(steps, 1),
        .per_byte_s = 1 / rate,
        .duration_s = (double)s->duration_us / 1e6,
        .room_s = s->value.shape.room_s,
        .latency_s = weir_predict_latency_s(&s->predict),
        .has_before = o->last_rung != WEIR_ABR_NO_RUNG,
        .quality_before = s->quality[last],
    };
    l.level_s = min((double)o->buffer_level_us / 1e6, l.room_s);
    weir_scenarios_fill(&l.scenarios, spread, s->collapse);
    double ln_rate = weir_predict_ln_rate(&s->predict, o);
    for (size_t k = 0; k < WEIR_VALUE_SCENARIOS; k++)
        l.then[k] = weir_value_rate_at(&s->value, ln_rate + s->carry * l.scenarios.ln_factor[k]);
    return l;
}

// What rung i of the value function is worth for this segment, `bytes` being still to come after
// `latency_s`.
static double worth(const struct weir *s, const struct outlook *l, size_t i, double bytes,
                    double latency_s)
{
    double expected = 0;
    for (size_t k = 0; k < WEIR_VALUE_SCENARIOS; k++) {
        double download_s = latency_s + bytes * l->per_byte_s * l->scenarios.per_factor[k];
        double left_s = l->level_s - download_s;
        double then_s = min(max(left_s, 0) + l->duration_s, l->room_s);
        double future = l->future ? weir_value_at(&s->value, l->future, l->then[k], then_s, i) : 0;
        expected += l->scenarios.weight[k] * (l->share * future - max(-left_s, 0));
    }
    double quality = s->value.shape.quality[i];
    double change = l->has_before ? quality - l->quality_before : 0;
    return quality - (change < 0 ? -change : change) + expected;
}

static double bytes_of(const struct weir *s, const struct weir_abr_observation *o, size_t rung)
{
    int64_t bytes = weir_abr_size(o, 0, rung);
    return bytes > 0 ? (double)bytes : nominal_bytes(s, rung);
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct weir *s = state;
    weir_progress_forget(&s->progress);
    if (o->ladder->count == 1)
        return (struct weir_abr_decision){.rung = 0, .reason = "only rung"};
    if (!weir_predict_knows(&s->predict, o))
        return (struct weir_abr_decision){.rung = 0, .reason = "no sample yet"};
    prepare(s, o);
    struct outlook l = look_out(s, o, weir_predict_rate(&s->predict, o));
    size_t best = 0;
    double best_worth = worth(s, &l, 0, bytes_of(s, o, s->rung[0]), l.latency_s);
    for (size_t i = 1; i < s->value.shape.rungs; i++) {
        double w = worth(s, &l, i, bytes_of(s, o, s->rung[i]), l.latency_s);
        if (w > best_worth) {
            best_worth = w;
            best = i;
        }
    }
    return (struct weir_abr_decision){.rung = s->rung[best], .reason = "best worth"};
}

static void sampled(void *state, const struct weir_abr_observation *o,
                    const struct weir_throughput_sample *t)
{
    (void)o;
    weir_predict_add(&((struct weir *)state)->predict, t);
}

// The smaller rung that is worth more than what is left of this transfer; the transfer's own if
// none.
static size_t better_rung(struct weir *s, const struct weir_abr_observation *o,
                          const struct weir_abr_transfer *t, double rate)
{
    double left_bytes = (double)(t->size_bytes - t->done_bytes);
    if (left_bytes <= rate * (double)o->buffer_level_us / 1e6)
        return t->rung; // in time
    struct outlook l = look_out(s, o, rate);
    size_t current = 0;
    while (current + 1 < s->value.shape.rungs && s->rung[current] < t->rung)
        current++;
    double best_worth = worth(s, &l, current, left_bytes, 0) + s->hesitation;
    size_t best = t->rung;
    for (size_t i = 0; i < current; i++) {
        double bytes = bytes_of(s, o, s->rung[i]);
        double w = bytes < left_bytes ? worth(s, &l, i, bytes, l.latency_s) : 0;
        if (bytes < left_bytes && w > best_worth) {
            best_worth = w;
            best = s->rung[i];
        }
    }
    return best;
}

// How long until the transfer may be given up: at once when the buffer is nearly out; before that
// when the transfer has lasted so long that it may well go on like this.
static int64_t due_in_us(const struct weir *s, const struct weir_abr_observation *o,
                         const struct weir_abr_transfer *t)
{
    double spare_us = (double)o->buffer_level_us - s->rescue * (double)s->duration_us;
    double in_us = (spare_us - s->patience * (double)t->elapsed_us) / (1 + s->patience);
    return spare_us > 0 && in_us > 0 ? (int64_t)min(in_us, 1e15) : 0;
}

static struct weir_abr_watch watch(void *state, const struct weir_abr_observation *o,
                                   const struct weir_abr_transfer *t)
{
    struct weir *s = state;
    struct weir_abr_watch never = {.done_bytes = INT64_MAX, .elapsed_us = INT64_MAX};
    if (!s->begun || t->size_bytes <= t->done_bytes)
        return never;
    int64_t in_us = due_in_us(s, o, t);
    struct weir_abr_watch later = {.done_bytes = t->done_bytes,
                                   .elapsed_us = t->elapsed_us + LOOK_US};
    if (in_us > LEAD_US)
        later.elapsed_us = t->elapsed_us + in_us - LEAD_US;
    if (in_us > LEAD_US)
        return later;
    if (t->since_first_byte_us <= 0)
        return later;
    weir_progress_look(&s->progress, t);
    bool patient = (double)o->buffer_level_us > s->rescue * (double)s->duration_us;
    double rate = weir_progress_rate(&s->progress, t, patient);
    if (in_us > 0 || rate <= 0)
        return later;
    s->seen_rate = rate;
    size_t rung = better_rung(s, o, t, rate);
    if (rung < t->rung)
        return (struct weir_abr_watch){.abandon = true, .rung = rung};
    return later;
}

// What was seen of the transfer is news for the next.
static void abandoned(void *state, const struct weir_abr_observation *o, size_t to_rung)
{
    (void)o;
    (void)to_rung;
    struct weir *s = state;
    weir_predict_add_rate(&s->predict, s->seen_rate);
    weir_progress_forget(&s->progress);
}

const struct weir_abr_ops weir_abr_weir = {
    .name = "weir",
    .summary = "worth of segment and buffer over what throughput may do (Weir's own; docs/abr.md)",
    .params_help =
        "linear=0.35: share of linear quality, the rest is logarithmic; halflife=1.3: of the "
        "predictor, transfers; error=0.2: mean error of ln(throughput) expected of it at first; "
        "memory=25: transfers over which its errors count; carry=0.15: share of an error that "
        "stays; collapse=0.003: probability of one per step; horizon=16: steps; rescue=1.8: "
        "segments of buffer below which a transfer may be given up; patience=0.7: and above it, "
        "once the buffer over that is so many times its age; hesitation=0.15: quality that giving "
        "up must gain",
    .state_bytes = sizeof(struct weir),
    .create = create,
    .reset = reset,
    .decide = decide,
    .sampled = sampled,
    .watch = watch,
    .abandoned = abandoned,
};
