// sim/link_connections.h — internal to sim/link*.c: what TCP remembers of each connection between
// transfers.
#ifndef WEIR_SIM_LINK_CONNECTIONS_H
#define WEIR_SIM_LINK_CONNECTIONS_H

#include <stddef.h>

#define WEIR_LINK_MAX_CONNECTIONS 256

struct weir_link_connection {
    int number;
    double window_bytes, used_us; // when a byte last arrived, or is to arrive first
};

struct weir_link_connections {
    size_t count;
    const struct weir_link_connection *recent; // put last; NULL: none
    struct weir_link_connection slots[WEIR_LINK_MAX_CONNECTIONS];
};

static inline void weir_link_connections_clear(struct weir_link_connections *t)
{
    t->count = 0;
    t->recent = NULL;
}

// NULL: a new connection.
static inline const struct weir_link_connection *
weir_link_connections_get(const struct weir_link_connections *t, int number)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->slots[i].number == number)
            return &t->slots[i];
    return NULL;
}

// Add or replace. Where the table is full, the connection unused for longest goes.
static inline void weir_link_connections_put(struct weir_link_connections *t,
                                             struct weir_link_connection c)
{
    size_t slot = 0;
    while (slot < t->count && t->slots[slot].number != c.number)
        slot++;
    if (slot == WEIR_LINK_MAX_CONNECTIONS) {
        slot = 0;
        for (size_t i = 1; i < t->count; i++)
            if (t->slots[i].used_us < t->slots[slot].used_us)
                slot = i;
    }
    if (slot == t->count)
        t->count++;
    t->slots[slot] = c;
    t->recent = &t->slots[slot];
}

#endif
