// tests/core/core_test.h — what every test of core/ includes before its own headers (CMocka needs
// the order).
#ifndef WEIR_TESTS_CORE_TEST_H
#define WEIR_TESTS_CORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MIB      ((size_t)1 << 20)

#endif
