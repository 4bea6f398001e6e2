// cli/simulation.c — see simulation.h.
#include "cli/simulation.h"

#include "sim/shaped.h"

static int wrap(void *ctx, const struct weir_inject_session *session,
                struct weir_transport **transport, struct weir_error *error)
{
    const struct weir_simulation *s = ctx;
    struct weir_shaped_params p = {.trace = s->trace,
                                   .link = s->link,
                                   .clock = session->clock,
                                   .pace = session->pace,
                                   .copies = session->copies,
                                   .faults = s->faults,
                                   .timeout_us = session->timeout_us};
    struct weir_transport *inner = *transport;
    return weir_shaped_transport_create(&p, &inner, transport, error);
}

int weir_simulation_open(struct weir_simulation *s, const struct weir_play_options *o,
                         struct weir_error *error)
{
    *s = (struct weir_simulation){
        .link = o->link, .faults = &o->faults, .inject = {.host = "live", .record = o->record}};
    if (!o->trace_path)
        return 0;
    int err = weir_trace_load(o->trace_path, &s->trace, error);
    if (err)
        return err;
    s->inject = (struct weir_inject){.host = o->virtual_time ? "replay" : "live",
                                     .trace = o->trace_path,
                                     .virtual_time = o->virtual_time,
                                     .exact_network = o->link.kind != WEIR_LINK_TCP,
                                     .no_decode = o->no_decode,
                                     .record = o->record,
                                     .wrap = wrap,
                                     .ctx = s};
    return 0;
}

void weir_simulation_close(struct weir_simulation *s)
{
    weir_trace_destroy(&s->trace);
}
