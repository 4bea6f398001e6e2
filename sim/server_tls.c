// sim/server_tls.c — the server's certificate and key, and libmicrohttpd's word on what it makes of
// them.
#include "sim/server_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

#define MAX_PEM_BYTES (1 << 20)

static int read_pem(const char *path, char **out, struct weir_error *e)
{
    FILE *f = fopen(path, "re");
    char *text = f ? malloc(MAX_PEM_BYTES + 1) : NULL;
    size_t size = text ? fread(text, 1, MAX_PEM_BYTES + 1, f) : 0;
    int saved = errno;
    bool failed = !f || (text && ferror(f));
    if (f)
        (void)fclose(f);
    if (text && !failed && size > 0 && size <= MAX_PEM_BYTES) {
        text[size] = '\0';
        *out = text;
        return 0;
    }
    free(text);
    if (failed) {
        int err = weir_error_set(e, WEIR_ERR_NOT_FOUND, path, "cannot read this");
        weir_error_why(e, "%s", strerror(saved)); // NOLINT(concurrency-mt-unsafe)
        return err;
    }
    return text ? weir_error_set(e, WEIR_ERR_TLS, path, "not a certificate or key in PEM format")
                : weir_error_set(e, WEIR_ERR_NOMEM, path, "memory ran out");
}

int weir_server_tls_load(struct weir_server *s, const char *certificate_path, const char *key_path,
                         struct weir_error *e)
{
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return weir_error_set(e, WEIR_ERR_UNSUPPORTED, certificate_path,
                              "this libmicrohttpd was built without TLS");
    int err = read_pem(certificate_path, &s->certificate, e);
    return err ? err : read_pem(key_path, &s->key, e);
}

void weir_server_on_message(void *closure, const char *format, va_list args)
{
    struct weir_server *s = closure;
    char text[sizeof(s->message)];
    weir_text_vformat(text, sizeof(text), format, args);
    size_t len = strlen(text);
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '.'))
        text[--len] = '\0';
    (void)pthread_mutex_lock(&s->lock);
    if (!s->message[0])
        memcpy(s->message, text, len + 1);
    (void)pthread_mutex_unlock(&s->lock);
}
