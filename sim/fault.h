// sim/fault.h — seeded misbehaviour of a server: what `--fault SPEC` says, and which request it
// strikes. Pure: no socket, clock or thread, so that `weir serve` and a host in virtual time decide
// alike. Requests are counted per spec in the order in which they are asked about here.
//
//   SPEC: KIND[:key=value,…]
//   KIND: status reset truncate stall slow corrupt refuse
//   which requests: match=GLOB[|GLOB…] from=N every=N count=N p=0…1 seed=N
//   what happens:   code=400…599 at=BYTES for=SECONDS rate=BITS/S bytes=N
#ifndef WEIR_SIM_FAULT_H
#define WEIR_SIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#define WEIR_FAULTS_MAX      32
#define WEIR_FAULT_MATCH_MAX 256 // with its NUL

enum weir_fault_kind {
    WEIR_FAULT_NONE,
    WEIR_FAULT_STATUS,   // `code` and a short text instead of the file
    WEIR_FAULT_RESET,    // `at` bytes of the body, then a TCP reset; at=0: before the status line
    WEIR_FAULT_TRUNCATE, // the whole length is promised, `at` bytes come, then the connection ends
    WEIR_FAULT_STALL,    // `at` bytes, then silence for `for` (default: until the client leaves)
    WEIR_FAULT_SLOW,     // from `at` on no more than `rate`
    WEIR_FAULT_CORRUPT,  // `bytes` bytes from `at` on are others than the file's
    WEIR_FAULT_REFUSE,   // the connection ends without a response
};

struct weir_fault_spec {
    enum weir_fault_kind kind;
    char match[WEIR_FAULT_MATCH_MAX]; // empty: every request
    int64_t from, every, count;       // 1-based, step, most strikes; defaults 1, 1, no bound
    double p;                         // chance of those that are left; default 1
    uint64_t seed;                    // of the chances and of corrupt bytes; default 0
    int code;                         // default 503
    int64_t at_bytes;                 // -1 (default): half the body; for slow its beginning
    int64_t for_us;                   // INT64_MAX: for ever
    int64_t rate_bps;                 // default 16000
    int64_t bytes;                    // default 16
};

// Read a SPEC. WEIR_ERR_INVAL with `e` (may be NULL) naming the part at fault.
int weir_fault_parse(const char *text, struct weir_fault_spec *out, struct weir_error *e);
const char *weir_fault_name(enum weir_fault_kind kind); // "status", …; "none"

// Whether `path` ("/a/b.m4s") is meant: a GLOB (* any characters, ? one, [a-z] one of a set) has to
// match all of it, or all that follows one of its slashes.
bool weir_fault_matches(const struct weir_fault_spec *spec, const char *path);

// The specs in force and how often each has matched and struck. Zero-initialise, then add.
struct weir_faults {
    struct weir_fault_spec specs[WEIR_FAULTS_MAX];
    int64_t matched[WEIR_FAULTS_MAX], struck[WEIR_FAULTS_MAX];
    size_t count;
};

// What happens to one request.
struct weir_fault {
    enum weir_fault_kind kind; // NONE: nothing
    struct weir_fault_spec spec;
    int64_t request; // which match of the spec it is, from 1
};

// WEIR_ERR_TOO_BIG beyond WEIR_FAULTS_MAX.
int weir_faults_add(struct weir_faults *f, const struct weir_fault_spec *spec);
// Count from the beginning again.
void weir_faults_reset(struct weir_faults *f);
// The fault of the next request. Every spec that matches counts it; the first one that strikes has
// it.
struct weir_fault weir_faults_next(struct weir_faults *f, const char *path);

// Where in a body of `length` bytes the fault begins: within [0, length].
int64_t weir_fault_at(const struct weir_fault *fault, int64_t length);
// How much of a body of `length` bytes comes at all before the connection ends; length where it
// does not end early.
int64_t weir_fault_body_bytes(const struct weir_fault *fault, int64_t length);
// Change those of data's `size` bytes, which stand at `offset` in a body of `length`, that a
// corrupt fault changes. Any cut of the body into pieces gives the same bytes.
void weir_fault_corrupt(const struct weir_fault *fault, int64_t length, int64_t offset,
                        uint8_t *data, size_t size);

#endif
