// tests/sim/optimum_digest.c — prints what the offline optimum finds for some random problems, to
// the last bit: builds of it with and without optimisation must print the same.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "optimum_case.h"

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

int main(void)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct optimum_case c;
        struct weir_optimum_solver *s;
        struct weir_optimum found;
        struct weir_error e = {0};
        if (!optimum_case_make(&c, seed, 25, 6, 1) || weir_optimum_create(c.content, &s, &e) ||
            weir_optimum_find(s, c.trace, &c.params, &found, &e))
            return 1;
        (void)printf("%016" PRIx64 " %016" PRIx64, bits_of(found.value), bits_of(found.bound));
        for (size_t i = 0; i < found.rung_count; i++)
            (void)printf(" %" PRId32, found.rungs[i]);
        (void)printf("\n");
        weir_optimum_destroy(&s);
        optimum_case_free(&c);
    }
    return 0;
}
