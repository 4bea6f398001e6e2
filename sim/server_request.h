// sim/server_request.h — internal to sim/server*.c: the server and its open requests.
//
// Two threads: libmicrohttpd's (accepts, parses, sends) and the pacing one (ticks the pacer, ends
// waits). A response without credit is suspended; the pacing thread resumes it. Both hold the
// server's lock for everything marked below.
#ifndef WEIR_SIM_SERVER_REQUEST_H
#define WEIR_SIM_SERVER_REQUEST_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "sim/http_file.h"
#include "sim/pacer.h"
#include "sim/server.h"

// Lives as long as a TCP connection.
struct weir_server_connection {
    int64_t accepted_us;
    bool used; // a request came over it before
};

struct weir_server_request {
    struct weir_server *server;
    struct MHD_Connection *connection;
    struct weir_http_file file;
    char *path, *range;    // for the log; range NULL without the header
    unsigned status;       // 0 until decided
    int64_t first, length; // of the body within the file
    int64_t sent_bytes;    // of the body; exact when paced
    int64_t start_us, first_byte_us;
    uint64_t acked_at_start; // by the peer on this connection, where the kernel sends the body
    bool sendfile;
    // Protected by lock from here down.
    int64_t wait_until_us; // the response is held back until then; WEIR_TIME_NONE: not any more
    bool suspended, sharing;
    struct weir_pacer_flow flow;
    struct weir_server_request *prev, *next;
};

struct weir_server {
    struct MHD_Daemon *daemon;
    char *root; // from realpath()
    char url[160];
    uint16_t port;
    int64_t rtt_us;
    const struct weir_trace *trace;
    int64_t start_us;
    FILE *log; // MHD's thread only
    pthread_t thread;
    bool thread_started;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    // Protected by lock from here down.
    bool stopping;
    struct weir_pacer pacer;
    struct weir_server_request *requests;
};

int64_t weir_server_now_us(void);

// libmicrohttpd's callbacks; the closure is the server.
enum MHD_Result weir_server_on_request(void *closure, struct MHD_Connection *connection,
                                       const char *path, const char *method, const char *version,
                                       const char *upload, size_t *upload_bytes, void **request);
void weir_server_on_completed(void *closure, struct MHD_Connection *connection, void **request,
                              enum MHD_RequestTerminationCode code);
void weir_server_on_connection(void *closure, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode code);

#endif
