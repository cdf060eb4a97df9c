/* Texts of the status bits that generated functions return. */

#include "gate_rt.h"

typedef struct {
    gate_status bit;
    const char *name, *text;
} StatusText;

static const StatusText status_texts[] = {
    {GATE_BAD_KNOB, "GATE_BAD_KNOB", "a knob is outside its declared range; nothing ran"},
    {GATE_BAD_SHAPE, "GATE_BAD_SHAPE",
     "a run-time extent is negative or above its maximum; nothing ran"},
    {GATE_BAD_INPUT, "GATE_BAD_INPUT",
     "an index input is out of range or a required pointer is NULL; nothing ran"},
    {GATE_NAN_REFUSED, "GATE_NAN_REFUSED",
     "a router that refuses NaN met a row of it; no result was written"},
    {GATE_BAD_INDEX, "GATE_BAD_INDEX",
     "a computed subscript was out of range: reads gave 0, writes did nothing"},
    {GATE_NAN_ROUTED, "GATE_NAN_ROUTED", "a router met a row of NaN"},
    {GATE_HALT_BOUND, "GATE_HALT_BOUND", "a loop stopped at its cap"},
    {GATE_EMPTY, "GATE_EMPTY", "argmax or argmin over nothing gave index 0"},
    {GATE_FLAT_ROUTED, "GATE_FLAT_ROUTED",
     "a router met a row of -inf: its lowest experts share equally"},
};

enum { STATUS_COUNT = sizeof status_texts / sizeof *status_texts };

/* Entry of the lowest set bit that is known, or NULL. */
static const StatusText *status_find(gate_status s)
{
    for (int i = 0; i < STATUS_COUNT; i++)
        if (s & status_texts[i].bit)
            return &status_texts[i];
    return NULL;
}

const char *gate_status_name(gate_status s)
{
    const StatusText *t = status_find(s);

    if (s == GATE_OK)
        return "GATE_OK";
    return t ? t->name : "GATE_UNKNOWN";
}

const char *gate_status_text(gate_status s)
{
    const StatusText *t = status_find(s);

    if (s == GATE_OK)
        return "the run is complete";
    return t ? t->text : "a status bit that this library does not know";
}
