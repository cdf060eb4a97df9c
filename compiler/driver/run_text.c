/* Tensors as text, for people. */

#include "driver/run_text.h"

#include <errno.h>
#include <stdlib.h>

enum { MOST_COLUMNS = 16, MOST_ROWS = 64 };

static void print_scalar(StrBuf *out, Elem e, Scalar s)
{
    if (elem_is_float(e))
        strbuf_addf(out, " %.9g", s.f);
    else if (e == E_U64)
        strbuf_addf(out, " %llu", (unsigned long long)s.i);
    else
        strbuf_addf(out, " %lld", (long long)s.i);
}

static void print_row(StrBuf *out, const Tensor *t, size_t row, size_t columns)
{
    size_t step = elem_bytes(t->elem);
    for (size_t k = 0; k < columns && k < MOST_COLUMNS; k++)
        print_scalar(out, t->elem,
                     elem_load(t->elem, (const char *)t->bytes + (row * columns + k) * step));
    strbuf_add(out, columns > MOST_COLUMNS ? " ...\n" : "\n");
}

void run_print_tensor(StrBuf *out, const char *name, const Tensor *t)
{
    strbuf_addf(out, "%s %s", name, elem_name(t->elem));
    for (uint32_t a = 0; a < t->rank; a++)
        strbuf_addf(out, "%s%lld", a ? ", " : "[", (long long)t->extent[a]);
    strbuf_add(out, t->rank ? "]\n" : "");
    size_t columns = t->rank ? (size_t)t->extent[t->rank - 1] : 1;
    size_t rows = columns ? tensor_count(t) / columns : 0;
    for (size_t r = 0; r < rows && r < MOST_ROWS; r++)
        print_row(out, t, r, columns);
    if (rows > MOST_ROWS)
        strbuf_addf(out, " ... %zu more rows\n", rows - MOST_ROWS);
}

/* One number at *at, and the comma behind it. */
static bool parse_scalar(const char **at, Elem e, Scalar *s)
{
    char *end;
    errno = 0;
    if (elem_is_float(e)) {
        double v = strtod(*at, &end);
        s->f = elem_round(e, v);
    } else {
        s->i = strtoll(*at, &end, 0);
        if (errno || elem_wrap(e, s->i) != s->i)
            return false;
    }
    bool ok = end != *at && (*end == ',' || !*end);
    *at = *end == ',' ? end + 1 : end;
    return ok;
}

bool run_parse_values(Arena *arena, const char *text, Tensor *t, const char **why)
{
    size_t n = tensor_count(t), step = elem_bytes(t->elem), k = 0;
    char *p = t->bytes = arena_array(arena, n + 1, step);
    const char *at = text;
    for (; *at && k < n; k++) {
        Scalar s = {0};
        if (!parse_scalar(&at, t->elem, &s)) {
            *why = arena_printf(arena, "'%s' is no %s", text, elem_name(t->elem));
            return false;
        }
        elem_store(t->elem, p + k * step, s);
    }
    if (*at || (k != n && k != 1)) {
        *why = arena_printf(arena, "'%s' has not %zu values", text, n);
        return false;
    }
    for (; k < n; k++)
        elem_store(t->elem, p + k * step, elem_load(t->elem, p));
    return true;
}
