// abr/plugin.h — algorithms from outside: a shared object with the function `weir_abr_plugin`
// (weir/abr.h). It runs in this process and is trusted not to crash; what it answers is not trusted
// (calls.c).
#ifndef WEIR_ABR_PLUGIN_H
#define WEIR_ABR_PLUGIN_H

#include "abr/abr.h"

// Far more than any algorithm needs; a bound on what a wrong number can ask for.
#define WEIR_ABR_STATE_MAX_BYTES ((size_t)16 << 20)

// Loads the shared object at `path` (with a '/' in it) and checks what it offers. 0, and *ops is
// its table, *library to be closed when no state made by it is left; both stay as they are on
// failure. WEIR_ERR_INVAL: cannot be loaded, or is no plug-in for this Weir.
int weir_abr_plugin_open(const char *path, const struct weir_abr_ops **ops, void **library,
                         struct weir_error *error);
// NULL: nothing. The strings of its table stay readable: reasons outlive the algorithm in reports.
void weir_abr_plugin_close(void *library);

#endif
