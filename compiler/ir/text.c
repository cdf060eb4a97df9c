/* What printer and parser of IR text share: names, numbers, and a map from names. */

#include "ir/eval.h"
#include "ir/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool text_is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool text_is_name_char(char c)
{
    return text_is_name_start(c) || (c >= '0' && c <= '9') || c == '.' || c == '|';
}

static bool is_plain(const char *s)
{
    if (!text_is_name_start(*s))
        return false;
    while (text_is_name_char(*s))
        s++;
    return !*s;
}

void text_quoted(StrBuf *out, const char *s)
{
    strbuf_add(out, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 32 || c == '"' || c == '\\' || c == 127)
            strbuf_addf(out, "\\%02x", c);
        else
            strbuf_addn(out, s, 1);
    }
    strbuf_add(out, "\"");
}

void text_name(StrBuf *out, const char *s)
{
    if (is_plain(s))
        strbuf_add(out, s);
    else
        text_quoted(out, s);
}

void text_float(StrBuf *out, Elem e, double v)
{
    char text[40];
    if (isnan(v)) {
        strbuf_add(out, "nan");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        double back = strtod(text, NULL);
        if ((e == E_F64 ? back : elem_round(e, back)) == v)
            break;
    }
    strbuf_add(out, text);
}

/* ---- map ---- */

static uint32_t slot_of(const SymMap *s, SymId name)
{
    uint32_t i = (name.ix * 2654435761u) & (s->cap - 1);
    while (s->keys[i].ix && s->keys[i].ix != name.ix)
        i = (i + 1) & (s->cap - 1);
    return i;
}

static void grow(SymMap *s)
{
    SymMap old = *s;
    s->cap = old.cap ? old.cap * 2 : 64;
    s->keys = ARENA_ARRAY(s->arena, SymId, s->cap);
    s->vals = ARENA_ARRAY(s->arena, uint32_t, s->cap);
    for (uint32_t i = 0; i < old.cap; i++) {
        if (!old.keys[i].ix)
            continue;
        uint32_t at = slot_of(s, old.keys[i]);
        s->keys[at] = old.keys[i];
        s->vals[at] = old.vals[i];
    }
}

uint32_t *symmap_at(SymMap *s, SymId name)
{
    if (s->n * 2 >= s->cap)
        grow(s);
    uint32_t i = slot_of(s, name);
    if (!s->keys[i].ix) {
        s->keys[i] = name;
        s->n++;
    }
    return &s->vals[i];
}
