// manifest/xmlread.h — hostile XML into a tree, and the few ways the MPD reader looks at it.
#ifndef WEIR_MANIFEST_XMLREAD_H
#define WEIR_MANIFEST_XMLREAD_H

#include <libxml/tree.h>

#include "manifest/internal.h"

// Well-formed XML without a DOCTYPE, at most WEIR_MAX_XML_DEPTH deep; anything else is an error
// that names the line. Free with xmlFreeDoc.
int weir_xml_read(const uint8_t *data, size_t size_bytes, const char *url, xmlDoc **out,
                  struct weir_error *error);

// Whether `n` is an element of DASH (in its namespace, or in none) called `name`.
bool weir_xml_is(const xmlNode *n, const char *name);
// The first DASH child element called `name` / the next sibling called so; NULL when there is none.
const xmlNode *weir_xml_child(const xmlNode *parent, const char *name);
const xmlNode *weir_xml_next(const xmlNode *n, const char *name);
size_t weir_xml_count(const xmlNode *parent, const char *name);

// Value of the attribute without namespace; NULL when absent. Valid as long as the tree.
const char *weir_xml_attr(const xmlNode *n, const char *name);
// The same for an attribute in any namespace (cenc:default_KID, dvb:priority).
const char *weir_xml_foreign_attr(const xmlNode *n, const char *name);
// Text and CDATA directly in `n`, blanks around it cut, in the arena; "" when empty, NULL without
// memory.
const char *weir_xml_text(struct weir_arena *arena, const xmlNode *n);
long weir_xml_line(const xmlNode *n);

#endif
