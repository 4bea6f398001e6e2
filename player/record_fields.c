// player/record_fields.c — see record_fields.h.
#include "player/record_fields.h"

#include <string.h>

#define SIZE(s, m, n)                                                                              \
    {                                                                                              \
        n, WEIR_RECORD_SIZE, offsetof(struct s, m)                                                 \
    }
#define INT64(s, m, n)                                                                             \
    {                                                                                              \
        n, WEIR_RECORD_INT64, offsetof(struct s, m)                                                \
    }
#define INT(s, m, n)                                                                               \
    {                                                                                              \
        n, WEIR_RECORD_INT, offsetof(struct s, m)                                                  \
    }
#define BOOL(s, m, n)                                                                              \
    {                                                                                              \
        n, WEIR_RECORD_BOOL, offsetof(struct s, m)                                                 \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, WEIR_RECORD_INT, 0                                                                   \
    }

_Static_assert(sizeof(size_t) == sizeof(uint64_t) || sizeof(size_t) == sizeof(uint32_t), "size_t");
_Static_assert(sizeof(enum weir_engine_track) == sizeof(int), "enums are ints here");

int64_t weir_record_field_get(const struct weir_record_field *f, const void *from)
{
    const char *at = (const char *)from + f->offset;
    int64_t v = 0;
    size_t size = 0;
    int i = 0;
    bool b = false;
    switch (f->type) {
    case WEIR_RECORD_INT64:
        memcpy(&v, at, sizeof(v));
        break;
    case WEIR_RECORD_INT:
        memcpy(&i, at, sizeof(i));
        v = i;
        break;
    case WEIR_RECORD_SIZE:
        memcpy(&size, at, sizeof(size));
        v = (int64_t)size;
        break;
    case WEIR_RECORD_BOOL:
        memcpy(&b, at, sizeof(b));
        v = b;
        break;
    }
    return v;
}

void weir_record_field_set(const struct weir_record_field *f, void *to, int64_t v)
{
    char *at = (char *)to + f->offset;
    size_t size = (size_t)v;
    int i = (int)v;
    bool b = v != 0;
    switch (f->type) {
    case WEIR_RECORD_INT64:
        memcpy(at, &v, sizeof(v));
        break;
    case WEIR_RECORD_INT:
        memcpy(at, &i, sizeof(i));
        break;
    case WEIR_RECORD_SIZE:
        memcpy(at, &size, sizeof(size));
        break;
    case WEIR_RECORD_BOOL:
        memcpy(at, &b, sizeof(b));
        break;
    }
}

#define PARAM(type, m) type(weir_engine_params, m, #m)
const struct weir_record_field weir_record_params_fields[] = {
    PARAM(INT64, buffer_max_us),
    PARAM(INT64, wait_floor_us),
    PARAM(INT64, startup_us),
    PARAM(INT64, resume_us),
    PARAM(INT64, start_at_us),
    PARAM(INT64, end_at_us),
    PARAM(INT64, memory_limit_bytes),
    PARAM(BOOL, abandon),
    PARAM(BOOL, untimed),
    PARAM(BOOL, small_samples),
    PARAM(BOOL, report),
    PARAM(INT64, seed),
    PARAM(INT, max_attempts),
    PARAM(INT64, backoff_first_us),
    PARAM(INT64, backoff_max_us),
    END,
};

const struct weir_record_field weir_record_fetch_fields[] = {
    INT64(weir_fetch, id, "id"),
    INT(weir_fetch, kind, "of"),
    INT(weir_fetch, track, "track"),
    SIZE(weir_fetch, period, "period"),
    SIZE(weir_fetch, rung, "rung"),
    INT64(weir_fetch, index, "segment"),
    INT64(weir_fetch, segment_serial, "serial"),
    SIZE(weir_fetch, base, "base"),
    INT(weir_fetch, attempt, "attempt"),
    BOOL(weir_fetch, resume, "resume"),
    INT64(weir_fetch, expected_bytes, "expected"),
    END,
};

// --- events ---

static const struct weir_record_field transfer_fields[] = {
    INT64(weir_engine_event, transfer.id, "id"),
    INT64(weir_engine_event, transfer.bytes, "bytes"),
    INT64(weir_engine_event, transfer.playable_until_us, "playable"),
    INT64(weir_engine_event, transfer.t_request_us, "request"),
    INT64(weir_engine_event, transfer.t_first_byte_us, "first"),
    INT64(weir_engine_event, transfer.t_last_us, "last"),
    BOOL(weir_engine_event, transfer.from_cache, "cache"),
    INT(weir_engine_event, transfer.err, "err"),
    INT(weir_engine_event, transfer.http_status, "status"),
    BOOL(weir_engine_event, transfer.retryable, "retryable"),
    INT64(weir_engine_event, transfer.retry_after_us, "retry_after"),
    END,
};
static const struct weir_record_field index_fields[] = {
    INT64(weir_engine_event, index.id, "id"),
    INT(weir_engine_event, index.err, "err"),
    END,
};
static const struct weir_record_field segment_fields[] = {
    INT(weir_engine_event, segment.track, "track"),
    INT64(weir_engine_event, segment.segment_serial, "serial"),
    INT(weir_engine_event, segment.err, "err"),
    END,
};
static const struct weir_record_field media_fields[] = {
    INT64(weir_engine_event, media_us, "media"),
    END,
};
static const struct weir_record_field track_fields[] = {
    INT(weir_engine_event, track, "track"),
    END,
};
static const struct weir_record_field rate_fields[] = {
    INT(weir_engine_event, rate_permille, "permille"),
    END,
};
static const struct weir_record_field rung_fields[] = {
    SIZE(weir_engine_event, rung, "rung"),
    END,
};
static const struct weir_record_field no_fields[] = {END};

static const struct {
    const char *name;
    const struct weir_record_field *fields;
} events[] = {
    [WEIR_EVENT_OPEN] = {"open", no_fields},
    [WEIR_EVENT_HEADERS] = {"headers", transfer_fields},
    [WEIR_EVENT_PROGRESS] = {"progress", transfer_fields},
    [WEIR_EVENT_DONE] = {"done", transfer_fields},
    [WEIR_EVENT_FAILED] = {"failed", transfer_fields},
    [WEIR_EVENT_INDEX] = {"index", index_fields},
    [WEIR_EVENT_PLAYHEAD] = {"playhead", media_fields},
    [WEIR_EVENT_STREAMS] = {"streams", track_fields},
    [WEIR_EVENT_BAD_MEDIA] = {"bad_media", segment_fields},
    [WEIR_EVENT_DRAINED] = {"drained", no_fields},
    [WEIR_EVENT_PAUSE] = {"pause", no_fields},
    [WEIR_EVENT_PLAY] = {"play", no_fields},
    [WEIR_EVENT_SEEK] = {"seek", media_fields},
    [WEIR_EVENT_RATE] = {"rate", rate_fields},
    [WEIR_EVENT_HOLD_RUNG] = {"hold_rung", rung_fields},
    [WEIR_EVENT_AUTO_RUNG] = {"auto_rung", no_fields},
    [WEIR_EVENT_STOP] = {"stop", no_fields},
    [WEIR_EVENT_TIMER] = {"timer", no_fields},
};

const struct weir_record_field *weir_record_event_fields(enum weir_engine_event_kind kind)
{
    return events[kind].fields;
}

const char *weir_record_event_name(enum weir_engine_event_kind kind)
{
    return events[kind].name;
}

int weir_record_event_kind(const char *name)
{
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        if (!strcmp(events[i].name, name))
            return (int)i;
    return -1;
}

// --- actions ---

static const struct weir_record_field cancel_fields[] = {INT64(weir_action, id, "id"), END};
static const struct weir_record_field discard_fields[] = {
    INT(weir_action, discard.track, "track"),
    INT64(weir_action, discard.segment_serial, "serial"),
    END,
};
static const struct weir_record_field start_fields[] = {INT64(weir_action, media_us, "media"), END};
static const struct weir_record_field speed_fields[] = {
    INT(weir_action, rate_permille, "permille"),
    END,
};
static const struct weir_record_field seek_fields[] = {
    INT64(weir_action, seek.media_us, "media"),
    BOOL(weir_action, seek.keep_buffered, "keep_buffered"),
    END,
};
static const struct weir_record_field eos_fields[] = {INT(weir_action, discard.track, "track"),
                                                      END};
static const struct weir_record_field end_fields[] = {
    INT(weir_action, end.err, "err"),
    INT64(weir_action, end.id, "id"),
    END,
};
static const struct weir_record_field timer_fields[] = {INT64(weir_action, at_us, "at"), END};

static const struct {
    const char *name;
    const struct weir_record_field *fields;
} actions[] = {
    [WEIR_ACTION_FETCH] = {"fetch", no_fields},
    [WEIR_ACTION_CANCEL] = {"cancel", cancel_fields},
    [WEIR_ACTION_DISCARD] = {"discard", discard_fields},
    [WEIR_ACTION_FINISH] = {"finish", discard_fields},
    [WEIR_ACTION_START] = {"start", start_fields},
    [WEIR_ACTION_STALL] = {"stall", no_fields},
    [WEIR_ACTION_RESUME] = {"resume", no_fields},
    [WEIR_ACTION_PAUSE] = {"pause", no_fields},
    [WEIR_ACTION_PLAY] = {"play", no_fields},
    [WEIR_ACTION_RATE] = {"rate", speed_fields},
    [WEIR_ACTION_SEEK] = {"seek", seek_fields},
    [WEIR_ACTION_EOS] = {"eos", eos_fields},
    [WEIR_ACTION_END] = {"end", end_fields},
    [WEIR_ACTION_TIMER] = {"timer", timer_fields},
    [WEIR_ACTION_REPORT] = {"report", no_fields},
};

const struct weir_record_field *weir_record_action_fields(enum weir_action_kind kind)
{
    return actions[kind].fields;
}

const char *weir_record_action_name(enum weir_action_kind kind)
{
    return actions[kind].name;
}

// --- reports: only what their kind sets ---

#define R(type, m, n) type(weir_report, m, n)
static const struct weir_record_field decision_fields[] = {
    R(INT, track, "track"),
    R(SIZE, rung, "rung"),
    R(INT64, buffer_us, "buffer"),
    R(INT64, throughput_bps, "throughput"),
    R(INT64, segment_serial, "serial"),
    END,
};
static const struct weir_record_field switch_fields[] = {
    R(INT, track, "track"),
    R(SIZE, from, "from"),
    R(SIZE, rung, "rung"),
    R(INT64, media_us, "media"),
    END,
};
static const struct weir_record_field complete_fields[] = {
    R(INT, track, "track"),
    R(INT64, media_us, "media"),
    R(INT64, duration_us, "duration"),
    R(SIZE, rung, "rung"),
    R(INT64, bytes, "bytes"),
    R(INT64, segment_serial, "serial"),
    END,
};
static const struct weir_record_field abandon_fields[] = {
    R(INT, track, "track"), R(INT64, id, "id"),       R(SIZE, from, "from"),
    R(SIZE, rung, "rung"),  R(INT64, bytes, "bytes"), END,
};
static const struct weir_record_field resume_fields[] = {
    R(INT64, media_us, "media"),
    R(INT64, duration_us, "duration"),
    END,
};
static const struct weir_record_field place_fields[] = {R(INT64, media_us, "media"), END};
static const struct weir_record_field retry_fields[] = {
    R(INT64, id, "id"), R(INT, err, "err"), R(INT, attempt, "attempt"), R(INT64, at_us, "at"), END,
};
static const struct weir_record_field failover_fields[] = {
    R(INT, track, "track"),
    R(SIZE, base, "base"),
    END,
};
static const struct weir_record_field warning_fields[] = {R(INT, err, "err"), END};

static const struct {
    const char *name;
    const struct weir_record_field *fields;
} reports[] = {
    [WEIR_REPORT_DECISION] = {"decision", decision_fields},
    [WEIR_REPORT_SWITCH] = {"switch", switch_fields},
    [WEIR_REPORT_SEGMENT] = {"segment", complete_fields},
    [WEIR_REPORT_ABANDON] = {"abandon", abandon_fields},
    [WEIR_REPORT_PLAYING] = {"playing", place_fields},
    [WEIR_REPORT_STALL] = {"stall", place_fields},
    [WEIR_REPORT_RESUME] = {"resume", resume_fields},
    [WEIR_REPORT_SEEK] = {"seek", place_fields},
    [WEIR_REPORT_SEEKED] = {"seeked", place_fields},
    [WEIR_REPORT_RETRY] = {"retry", retry_fields},
    [WEIR_REPORT_FAILOVER] = {"failover", failover_fields},
    [WEIR_REPORT_WARNING] = {"warning", warning_fields},
};

const struct weir_record_field *weir_record_report_fields(enum weir_report_kind kind)
{
    return reports[kind].fields;
}

const char *weir_record_report_name(enum weir_report_kind kind)
{
    return reports[kind].name;
}
