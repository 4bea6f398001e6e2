// tests/net/certificate.c — see certificate.h.
#include "certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool read_text(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    size_t n = fread(out, 1, size - 1, file);
    fclose(file);
    out[n] = 0;
    return n > 0;
}

bool certificate_make(struct certificate *c)
{
    char command[512];
    *c = (struct certificate){0};
    snprintf(c->directory, sizeof c->directory, "/tmp/weir-test-tls-XXXXXX");
    if (!mkdtemp(c->directory))
        return false;
    snprintf(c->key_path, sizeof c->key_path, "%s/key.pem", c->directory);
    snprintf(c->cert_path, sizeof c->cert_path, "%s/cert.pem", c->directory);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=weir-test "
             "-addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s >/dev/null 2>&1",
             c->key_path, c->cert_path);
    return system(command) == 0 && read_text(c->key_path, c->key, sizeof c->key) &&
           read_text(c->cert_path, c->cert, sizeof c->cert);
}

void certificate_remove(struct certificate *c)
{
    unlink(c->key_path);
    unlink(c->cert_path);
    rmdir(c->directory);
}
