// cli/quiet.c — see quiet.h. ALSA's library comes in behind SDL or not at all, so it is looked up,
// not linked.
#include "cli/quiet.h"

#include <dlfcn.h>
#include <string.h>

typedef void (*alsa_handler)(const char *file, int line, const char *function, int err,
                             const char *format, ...);

static void say_nothing(const char *file, int line, const char *function, int err,
                        const char *format, ...)
{
    (void)file;
    (void)line;
    (void)function;
    (void)err;
    (void)format;
}

void weir_quiet_libraries(void)
{
    int (*set_handler)(alsa_handler) = NULL;
    void *symbol = dlsym(RTLD_DEFAULT, "snd_lib_error_set_handler");
    memcpy(&set_handler, &symbol,
           sizeof(symbol)); // ISO C has no cast from object to function pointers
    if (set_handler)
        (void)set_handler(say_nothing);
}
