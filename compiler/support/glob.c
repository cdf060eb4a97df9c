/* Patterns of paths on the command line. */

#include "support/glob.h"

#include <stddef.h>

bool glob_match(const char *pattern, const char *text)
{
    const char *star = NULL, *again = NULL; /* after the last '*', and where to try next */
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            again = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}
