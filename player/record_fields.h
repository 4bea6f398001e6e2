// player/record_fields.h — internal to player/record*.c: the members of the engine's structs that a
// log holds, by name. One table serves writing and reading.
#ifndef WEIR_PLAYER_RECORD_FIELDS_H
#define WEIR_PLAYER_RECORD_FIELDS_H

#include "player/engine/engine.h"

enum weir_record_type {
    WEIR_RECORD_INT64,
    WEIR_RECORD_INT,
    WEIR_RECORD_SIZE,
    WEIR_RECORD_BOOL,
};

struct weir_record_field {
    const char *name; // NULL ends a table
    enum weir_record_type type;
    size_t offset;
};

int64_t weir_record_field_get(const struct weir_record_field *f, const void *from);
void weir_record_field_set(const struct weir_record_field *f, void *to, int64_t v);

extern const struct weir_record_field weir_record_params_fields[], weir_record_fetch_fields[];
const struct weir_record_field *weir_record_event_fields(enum weir_engine_event_kind kind);
const struct weir_record_field *weir_record_action_fields(enum weir_action_kind kind);
const struct weir_record_field *weir_record_report_fields(enum weir_report_kind kind);
const char *weir_record_event_name(enum weir_engine_event_kind kind);
const char *weir_record_action_name(enum weir_action_kind kind);
const char *weir_record_report_name(enum weir_report_kind kind);
// The kind with this name; -1: none.
int weir_record_event_kind(const char *name);

#endif
