/* inspect_files [--json] FILE…: `meterbeatctl inspect` alone, for tests that need no other part of
 * it. */
#include <string.h>

#include "ctl/inspect.h"

int main(int count, char **words)
{
    bool json = count > 1 && !strcmp(words[1], "--json");
    int first = json ? 2 : 1;
    return inspect_main((const char *const *)words + first, (size_t)(count - first), json, stdout);
}
