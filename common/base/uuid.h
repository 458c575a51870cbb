/* Identifiers derived from names: the same name gives the same task id on every machine. */
#ifndef METERBEAT_BASE_UUID_H
#define METERBEAT_BASE_UUID_H

#define UUID_TEXT 37

/* Version 5 (RFC 9562 section 5.5) of name in meterbeat's own name space, in lower case, to text.
 * Any thread. */
void uuid5_of_name(const char *name, char text[UUID_TEXT]);
/* A random version 4 identifier. Any thread. */
void uuid4_random(char text[UUID_TEXT]);

#endif
