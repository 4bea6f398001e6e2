// sim/inputs.h — what a sweep runs over: traces found below files and folders, each in the set that
// its folder names, and contents. Read once, shared by all threads, immutable after that. Order and
// names depend neither on the directory Weir runs in nor on the order the file system lists.
#ifndef WEIR_SIM_INPUTS_H
#define WEIR_SIM_INPUTS_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "core/arena.h"
#include "sim/content.h"
#include "sim/trace.h"

#define WEIR_INPUTS_BAD_KEPT 20

struct weir_input_trace {
    // The folder's name (more of its path where two folders share it), and the file's.
    const char *set, *name;
    const char *path; // absolute
    struct weir_trace *trace;
    uint64_t hash; // of the intervals: equal traces have equal hashes, whatever their format
};

struct weir_input_content {
    const char *name; // last part of the path; of Pensieve's size/ folder: the folder it lies in
    const char *path; // absolute
    struct weir_content *content;
};

struct weir_inputs {
    struct weir_arena arena;
    struct weir_input_trace *traces; // by set, then name, in byte order; none twice
    size_t trace_count;
    struct weir_input_content *contents; // as given; none twice
    size_t content_count;
    struct weir_error *bad; // traces that cannot be read, the first WEIR_INPUTS_BAD_KEPT of them
    size_t bad_count;       // of all
};

// Find and read. `trace_paths`: files, or folders that are searched to the bottom; below a folder
// hidden files, *.md, README*, LICENSE* and COPYING* are passed over. Unreadable traces are
// collected in out->bad; any other trouble is an error. weir_inputs_clear() in either case.
int weir_inputs_load(const char *const *trace_paths, size_t trace_path_count,
                     const char *const *content_paths, size_t content_path_count,
                     struct weir_inputs *out, struct weir_error *e);
void weir_inputs_clear(struct weir_inputs *in);

uint64_t weir_trace_hash(const struct weir_trace *t);

#endif
