// sim/server.h — a static HTTP/1.1 server whose connections, all together, run at a trace's rate:
// what `weir serve` runs and tests play against. Two threads of its own; every function here is for
// one thread.
#ifndef WEIR_SIM_SERVER_H
#define WEIR_SIM_SERVER_H

#include <stdint.h>
#include <stdio.h>

#include "sim/fault.h"
#include "sim/live.h"
#include "sim/trace.h"

struct weir_server;

struct weir_server_params {
    const char *root;               // folder to serve; required
    const char *bind_address;       // numeric or a name; default 127.0.0.1
    uint16_t port;                  // 0: any free one
    const struct weir_trace *trace; // borrowed; NULL: unshaped
    // Before the first byte of each response, and once more on a new connection. WEIR_TIME_NONE
    // (default): the trace's own latency, else none.
    int64_t rtt_us;
    FILE *log;                         // borrowed; a JSON line per request; NULL: none
    struct weir_faults faults;         // copied; zero: none
    const struct weir_live_spec *live; // borrowed; NULL: files as they are
    // HTTPS alone: paths of PEM files, both or none (default).
    const char *certificate_path, *key_path;
};

void weir_server_params_default(struct weir_server_params *p);
// 0, or a negative error with `e` filled. The caller ends *out with weir_server_stop(). SIGPIPE
// must be ignored.
int weir_server_start(const struct weir_server_params *params, struct weir_server **out,
                      struct weir_error *e);
uint16_t weir_server_port(const struct weir_server *s);
// Why manifest number i could not be made live; NULL beyond the last.
const char *weir_server_not_live(const struct weir_server *s, size_t i);
const char *weir_server_url(const struct weir_server *s); // "http://ADDR:PORT/", or https
void weir_server_stop(struct weir_server **s);            // accepts a pointer to NULL

#endif
