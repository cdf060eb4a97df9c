#ifndef GATEC_SUPPORT_GLOB_H
#define GATEC_SUPPORT_GLOB_H

#include <stdbool.h>

/* Does the whole text fit the pattern? '*' stands for any characters, none included; time is at
 * most the product of the lengths. */
bool glob_match(const char *pattern, const char *text);

#endif
