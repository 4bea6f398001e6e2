// tests/sim/fuzz_rerun.c — whatever a log says, an engine made from it and told its events comes to
// an end, and touches nothing that is not its own.
#include <stdint.h>
#include <stdio.h>

#include "sim/rerun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    FILE *log = fmemopen((void *)data, size, "r");
    if (!log)
        return 0;
    struct weir_rerun_params params = {0};
    struct weir_rerun_result result;
    struct weir_error error = {0};
    (void)weir_rerun(log, "fuzz", &params, &result, &error);
    weir_rerun_result_clear(&result);
    (void)fclose(log);
    return 0;
}
