/* gatec: compiles networks with gates, routers and halting points. */

#include "driver/drive.h"

int main(int argc, char **argv)
{
    return drive(argc, argv);
}
