// abr/plugin.c — see plugin.h.
#include "abr/plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define SYMBOL "weir_abr_plugin"

static int refuse(const char *path, struct weir_error *error, const char *what, const char *hint)
{
    weir_error_set(error, WEIR_ERR_INVAL, path, "%s", what);
    weir_error_hint(error, "%s", hint);
    return WEIR_ERR_INVAL;
}

static int check_ops(const char *path, const struct weir_abr_ops *ops, struct weir_error *error)
{
    const struct {
        const char *name;
        bool present;
    } members[] = {
        {"name", ops->name},     {"summary", ops->summary}, {"params_help", ops->params_help},
        {"create", ops->create}, {"reset", ops->reset},     {"decide", ops->decide},
    };
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (!members[i].present) {
            char what[80];
            (void)snprintf(what, sizeof(what), "the plug-in's table has no %s", members[i].name);
            return refuse(path, error, what,
                          "fill in name, summary, params_help, create, reset and decide");
        }
    }
    if (ops->state_bytes > WEIR_ABR_STATE_MAX_BYTES) {
        weir_error_set(error, WEIR_ERR_INVAL, path, "the plug-in wants %zu bytes of state",
                       ops->state_bytes);
        weir_error_hint(error, "at most %zu", WEIR_ABR_STATE_MAX_BYTES);
        return WEIR_ERR_INVAL;
    }
    return 0;
}

static int check(const char *path, const struct weir_abr_plugin *plugin, struct weir_error *error)
{
    if (!plugin || !plugin->ops)
        return refuse(path, error, "the plug-in returns no table",
                      "let " SYMBOL "() return a static struct weir_abr_plugin with ops");
    if (plugin->interface != WEIR_ABR_INTERFACE) {
        weir_error_set(error, WEIR_ERR_INVAL, path,
                       "the plug-in is made for interface %d, this Weir has %d", plugin->interface,
                       WEIR_ABR_INTERFACE);
        weir_error_hint(error, "build it against this version's weir/abr.h");
        return WEIR_ERR_INVAL;
    }
    // A later Weir that has more of them will read less of an older plug-in's; none is older yet.
    if (plugin->ops_size != sizeof(struct weir_abr_ops)) {
        weir_error_set(error, WEIR_ERR_INVAL, path, "the plug-in's table has %zu bytes, not %zu",
                       plugin->ops_size, sizeof(struct weir_abr_ops));
        weir_error_hint(error,
                        "set ops_size to sizeof(struct weir_abr_ops) of this version's weir/abr.h");
        return WEIR_ERR_INVAL;
    }
    return check_ops(path, plugin->ops, error);
}

static int not_loaded(const char *path, struct weir_error *error)
{
    const char *why = dlerror(); // this thread's, NOLINT(concurrency-mt-unsafe)
    weir_error_set(error, WEIR_ERR_INVAL, path, "cannot load the plug-in");
    if (why) // glibc's text begins with the path again
        weir_error_why(error, "%s",
                       strncmp(why, path, strlen(path)) == 0
                           ? why + strlen(path) + strspn(why + strlen(path), ": ")
                           : why);
    weir_error_hint(error, "a shared object: cc -shared -fPIC -o mine.so mine.c");
    return WEIR_ERR_INVAL;
}

int weir_abr_plugin_open(const char *path, const struct weir_abr_ops **ops, void **library,
                         struct weir_error *error)
{
    // Local, so that two plug-ins cannot meet; never unmapped, for the strings.
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        return not_loaded(path, error);
    weir_abr_plugin_fn *entry;
    void *symbol = dlsym(handle, SYMBOL);
    int err;
    if (symbol) {
        memcpy(&entry, &symbol, sizeof(entry)); // C has no cast from data to function
        const struct weir_abr_plugin *plugin = entry();
        err = check(path, plugin, error);
        if (!err)
            *ops = plugin->ops;
    } else {
        err = refuse(path, error, "is no plug-in: it has no function " SYMBOL,
                     "export it with C linkage and default visibility (weir/abr.h)");
    }
    if (err)
        (void)dlclose(handle);
    else
        *library = handle;
    return err;
}

void weir_abr_plugin_close(void *library)
{
    if (library)
        (void)dlclose(library);
}
