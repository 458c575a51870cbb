/* Names made into identifiers: the same name is the same task id on every machine. */
#include "common/base/uuid.h"

#include <string.h>
#include <uuid/uuid.h>

/* meterbeat's name space: drawn once at random; changing it would fire every tick again. */
static const uuid_t uuid5_namespace = {0x6d, 0x65, 0x74, 0x65, 0x72, 0x62, 0x45, 0x61,
                                       0x9c, 0x1e, 0x0a, 0x7d, 0x5f, 0x33, 0xd2, 0x48};

void uuid5_of_name(const char *name, char text[UUID_TEXT])
{
    uuid_t id;
    uuid_generate_sha1(id, uuid5_namespace, name, strlen(name));
    uuid_unparse_lower(id, text);
}

void uuid4_random(char text[UUID_TEXT])
{
    uuid_t id;
    uuid_generate_random(id);
    uuid_unparse_lower(id, text);
}
