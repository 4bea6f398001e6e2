// sim/report_internal.h — internal to sim/report*.c: what is embedded, and the parts of the data.
#ifndef WEIR_SIM_REPORT_INTERNAL_H
#define WEIR_SIM_REPORT_INTERNAL_H

#include "sim/report.h"
#include "sim/textbuf.h"

// Made of files at build time (cmake/Embed.cmake). Empty: the file was not there.
struct weir_asset {
    const unsigned char *data;
    size_t size;
};
extern const struct weir_asset weir_asset_page_html, weir_asset_page_css, weir_asset_page_js,
    weir_asset_chart_js;

// The whole document weir.report/1.
void weir_report_data(const struct weir_report_params *p, struct weir_textbuf *out);

// `"examples": […]` of one set: sessions over time on its worst, median and best trace, run again.
// *left is how many bytes of them the page may still have; it goes down. *missing counts what could
// not be run again.
struct weir_report_sessions;
struct weir_report_sessions *weir_report_sessions_begin(const struct weir_report_params *p);
void weir_report_sessions_add(struct weir_report_sessions *s, const struct weir_result_set *set,
                              struct weir_textbuf *out);
// Why sessions are missing; NULL: none is.
const char *weir_report_sessions_missing(const struct weir_report_sessions *s);
void weir_report_sessions_end(struct weir_report_sessions **s);

// A number for a chart: six digits say enough. NaN is null.
void weir_report_number(struct weir_textbuf *out, double value);

#endif
