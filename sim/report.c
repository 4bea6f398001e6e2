// sim/report.c — see report.h: puts the page together.
#include "sim/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report_internal.h"

// What the page's template has in the place of each part.
static const struct part {
    const char *mark;
    const struct weir_asset *asset; // NULL: the data
} parts[] = {
    {"/*@style@*/", &weir_asset_page_css},
    {"/*@chart.js@*/", &weir_asset_chart_js},
    {"/*@data@*/", NULL},
    {"/*@page.js@*/", &weir_asset_page_js},
};
#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

// The template with its marks replaced, in the order they stand.
static void fill(const struct weir_report_params *params, struct weir_textbuf *out)
{
    const char *at = (const char *)weir_asset_page_html.data;
    const char *end = at + weir_asset_page_html.size;
    for (size_t i = 0; i < PART_COUNT; i++) {
        size_t length = strlen(parts[i].mark);
        const char *mark = memmem(at, (size_t)(end - at), parts[i].mark, length);
        if (!mark)
            continue;
        weir_textbuf_add(out, at, (size_t)(mark - at));
        if (parts[i].asset)
            weir_textbuf_add(out, (const char *)parts[i].asset->data, parts[i].asset->size);
        else
            weir_report_data(params, out);
        at = mark + length;
    }
    weir_textbuf_add(out, at, (size_t)(end - at));
}

int weir_report_write(const struct weir_report_params *params, FILE *out, const char *name,
                      struct weir_error *e)
{
    if (!weir_asset_chart_js.size) {
        weir_error_set(e, WEIR_ERR_UNSUPPORTED, name, "built without Chart.js: no report");
        weir_error_hint(e, "install libjs-chart.js and build again; --csv holds the same figures");
        return WEIR_ERR_UNSUPPORTED;
    }
    struct weir_textbuf page = {0};
    fill(params, &page);
    int err = page.failed ? weir_error_set(e, WEIR_ERR_NOMEM, name, "memory ran out") : 0;
    errno = 0;
    if (!err && (fwrite(page.data, 1, page.size, out) != page.size || fflush(out) != 0)) {
        int why = errno;
        err = weir_error_set(e, WEIR_ERR_OUTPUT, name, "cannot be written");
        weir_error_why(e, "%s", strerror(why)); // NOLINT(concurrency-mt-unsafe)
    }
    weir_textbuf_clear(&page);
    return err;
}
