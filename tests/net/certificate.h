// tests/net/certificate.h — a self-signed certificate for 127.0.0.1, made by the openssl command
// for one test run.
#ifndef WEIR_TESTS_NET_CERTIFICATE_H
#define WEIR_TESTS_NET_CERTIFICATE_H

#include <stdbool.h>

struct certificate {
    char directory[64], key_path[96], cert_path[96];
    char key[8192], cert[8192]; // PEM
};

bool certificate_make(struct certificate *c); // false without an openssl command
void certificate_remove(struct certificate *c);

#endif
