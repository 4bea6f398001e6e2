// manifest/xmlread.c — libxml2, fenced in: no network, no entities (any DOCTYPE is refused, because
// attribute values expand entities even without XML_PARSE_NOENT), bounded depth and size, errors
// kept in the caller's struct. Sets nothing global in libxml2, so that an embedder's own use of it
// is not disturbed.
#include "manifest/xmlread.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>

// Hangs on xmlParserCtxt._private during the parse.
struct reading {
    int depth;
    int code; // 0, or why we stopped the parser ourselves
    const char *what;
    int line;
    char message[200]; // libxml2's first fatal error
    int message_line;
    startElementNsSAX2Func start;
    endElementNsSAX2Func end;
};

static void stop(xmlParserCtxt *ctxt, int code, const char *what)
{
    struct reading *r = ctxt->_private;
    if (r->code)
        return;
    r->code = code;
    r->what = what;
    r->line = ctxt->input ? ctxt->input->line : 0;
    xmlStopParser(ctxt);
}

static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *external_id,
                       const xmlChar *system_id)
{
    (void)name;
    (void)external_id;
    (void)system_id;
    stop(ctx, WEIR_ERR_SYNTAX, "a DOCTYPE is not allowed in a manifest");
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int ns_count, const xmlChar **namespaces, int attr_count, int defaulted,
                     const xmlChar **attrs)
{
    xmlParserCtxt *ctxt = ctx;
    struct reading *r = ctxt->_private;
    if (++r->depth > WEIR_MAX_XML_DEPTH) {
        stop(ctxt, WEIR_ERR_TOO_BIG, "elements are nested too deep");
        return;
    }
    r->start(ctx, name, prefix, uri, ns_count, namespaces, attr_count, defaulted, attrs);
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    xmlParserCtxt *ctxt = ctx;
    struct reading *r = ctxt->_private;
    r->depth--;
    if (!r->code)
        r->end(ctx, name, prefix, uri);
}

#if LIBXML_VERSION >= 21200
static void on_error(void *ctx, const xmlError *e)
#else
static void on_error(void *ctx, xmlError *e)
#endif
{
    xmlParserCtxt *ctxt = ctx;
    struct reading *r = ctxt->_private;
    // Undeclared prefixes and the like are errors, not fatal ones: vendors forget xmlns:, and we
    // can go on.
    if (!e || e->level != XML_ERR_FATAL || r->message[0])
        return;
    size_t n = e->message ? strcspn(e->message, "\r\n") : 0;
    if (n >= sizeof(r->message))
        n = sizeof(r->message) - 1;
    if (n)
        memcpy(r->message, e->message, n);
    r->message[n] = '\0';
    r->message_line = e->line;
}

static int report(const struct reading *r, const char *url, struct weir_error *error)
{
    if (r->code)
        return weir_error_set(error, r->code, url, "line %d: %s", r->line, r->what);
    int err = weir_error_set(error, WEIR_ERR_SYNTAX, url, "line %d: not well-formed XML",
                             r->message_line);
    if (r->message[0])
        weir_error_why(error, "%s", r->message);
    return err;
}

int weir_xml_read(const uint8_t *data, size_t size_bytes, const char *url, xmlDoc **out,
                  struct weir_error *error)
{
    *out = NULL;
    if (size_bytes > WEIR_MANIFEST_MAX_BYTES || size_bytes > INT_MAX)
        return weir_error_set(error, WEIR_ERR_TOO_BIG, url, "the manifest is larger than %u MiB",
                              WEIR_MANIFEST_MAX_BYTES >> 20);
    xmlParserCtxt *ctxt = xmlNewParserCtxt();
    if (!ctxt || !ctxt->sax) {
        xmlFreeParserCtxt(ctxt);
        return weir_error_set(error, WEIR_ERR_NOMEM, url, "out of memory");
    }
    struct reading r = {.start = ctxt->sax->startElementNs, .end = ctxt->sax->endElementNs};
    ctxt->_private = &r;
    ctxt->sax->internalSubset = on_doctype;
    ctxt->sax->startElementNs = on_start;
    ctxt->sax->endElementNs = on_end;
    ctxt->sax->serror = on_error;
    xmlDoc *doc =
        xmlCtxtReadMemory(ctxt, (const char *)data, (int)size_bytes, NULL, NULL, XML_PARSE_NONET);
    if (!doc || r.code || !ctxt->wellFormed || !xmlDocGetRootElement(doc)) {
        xmlFreeDoc(doc);
        xmlFreeParserCtxt(ctxt);
        return report(&r, url, error);
    }
    xmlFreeParserCtxt(ctxt);
    *out = doc;
    return 0;
}

static bool is_dash_namespace(const xmlNs *ns)
{
    // Any schema version, in any case: "urn:mpeg:DASH:schema:MPD:2011" is out there.
    return !ns || !ns->href ||
           strncasecmp((const char *)ns->href, "urn:mpeg:dash:schema:mpd:", 25) == 0;
}

bool weir_xml_is(const xmlNode *n, const char *name)
{
    return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0 &&
           is_dash_namespace(n->ns);
}

const xmlNode *weir_xml_child(const xmlNode *parent, const char *name)
{
    const xmlNode *n = parent ? parent->children : NULL;
    while (n && !weir_xml_is(n, name))
        n = n->next;
    return n;
}

const xmlNode *weir_xml_next(const xmlNode *n, const char *name)
{
    do
        n = n->next;
    while (n && !weir_xml_is(n, name));
    return n;
}

size_t weir_xml_count(const xmlNode *parent, const char *name)
{
    size_t count = 0;
    for (const xmlNode *n = weir_xml_child(parent, name); n; n = weir_xml_next(n, name))
        count++;
    return count;
}

// Without a DTD an attribute is one text node or none: entities other than the five are errors.
static const char *attr_value(const xmlAttr *a)
{
    return a->children && a->children->content ? (const char *)a->children->content : "";
}

const char *weir_xml_attr(const xmlNode *n, const char *name)
{
    for (const xmlAttr *a = n ? n->properties : NULL; a; a = a->next) {
        if (!a->ns && strcmp((const char *)a->name, name) == 0)
            return attr_value(a);
    }
    return NULL;
}

const char *weir_xml_foreign_attr(const xmlNode *n, const char *name)
{
    for (const xmlAttr *a = n ? n->properties : NULL; a; a = a->next) {
        // An undeclared prefix stays part of the name.
        const char *colon = strchr((const char *)a->name, ':');
        if (strcmp(colon ? colon + 1 : (const char *)a->name, name) == 0)
            return attr_value(a);
    }
    return NULL;
}

const char *weir_xml_text(struct weir_arena *arena, const xmlNode *n)
{
    size_t len = 0;
    for (const xmlNode *c = n->children; c; c = c->next) {
        if ((c->type == XML_TEXT_NODE || c->type == XML_CDATA_SECTION_NODE) && c->content)
            len += strlen((const char *)c->content);
    }
    char *text = weir_arena_alloc(arena, len + 1);
    if (!text)
        return NULL;
    len = 0;
    for (const xmlNode *c = n->children; c; c = c->next) {
        if ((c->type == XML_TEXT_NODE || c->type == XML_CDATA_SECTION_NODE) && c->content) {
            size_t part = strlen((const char *)c->content);
            memcpy(text + len, c->content, part);
            len += part;
        }
    }
    while (len && strchr(" \t\r\n", text[len - 1]))
        text[--len] = '\0';
    return text + strspn(text, " \t\r\n");
}

long weir_xml_line(const xmlNode *n)
{
    return xmlGetLineNo(n);
}
