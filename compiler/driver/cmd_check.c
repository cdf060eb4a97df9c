/* gatec check FILE...: reports mistakes, writes nothing. */

#include "driver/drive.h"

Status cmd_check(Session *s)
{
    const TextList *files = &s->options.files;
    if (!files->n) {
        diag_report(s->diag, E0402, (Span){0, 0}, "'gatec check' wants a file");
        return STATUS_USAGE;
    }
    Status worst = STATUS_OK;
    for (uint32_t i = 0; i < files->n; i++) {
        Unit unit;
        Status status = drive_unit(s, &unit, files->at[i], STAGE_CHECK);
        if (status == STATUS_OK && unit.program && !s->options.stop_after &&
            !sema_try(unit.program))
            status = STATUS_ERRORS;
        if (unit.program)
            sema_done(unit.program);
        worst = status > worst ? status : worst;
    }
    return worst;
}
