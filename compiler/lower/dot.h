#ifndef GATEC_LOWER_DOT_H
#define GATEC_LOWER_DOT_H

/* What the files of the 'dot' family share: the tiles of dot.c and their ends (dot_end.c). */

#include "lower/contract.h"

typedef enum {
    IN_PANEL, /* or where they are, if all entries are taken */
    IN_PLACE,
    IN_SPREAD,
    IN_MASK
} Columns; /* of which entries are taken */

typedef struct {
    unsigned rows, cols;     /* of a full tile */
    ValId panel[MAX_SUMS];   /* packed columns, or none */
    int64_t pitch[MAX_SUMS]; /* elements between packed columns */
    Taken taken[MAX_SUMS];   /* of columns of which entries are taken; no 'sel': of others */
    bool block;              /* panels hold the columns of one tile */
    Columns way;
    ValId parts; /* sums of the tiles of these rows, whose terms are added part by part; or none */
    ValId from, to; /* the part */
    bool last;
    ValId at_row, at_col; /* where the tile stands */
    uint32_t tile_cols;   /* of a block */
    uint32_t tile_rows;
    bool lanes;  /* the epilogue may run with rows (and columns) in lanes */
    bool flat;   /* results are consecutive over rows and columns */
    bool across; /* over the columns of a row only */
} Dot;

typedef struct {
    ValId ptr[MAX_TILE], off[MAX_TILE]; /* rows, then columns */
    ValId next[MAX_TILE];               /* the rows of the next tile */
    uint32_t rows, cols;
    Elem elem, stored[2]; /* of the arithmetic; in memory, of rows and columns */
    uint32_t ahead;       /* so many of the next rows are fetched */
} Streams;

/* Index d of the map, if there is one, stands at 'at' + 'plus'. */
void put_index(Lower *L, const Contract *c, uint32_t d, ValId at, uint32_t plus);

/* ---- dot_end.c ---- */
/* How results lie, and whether what is left of the body may run in lanes. */
void dot_choose_end(Lower *L, const Contract *c, Dot *d);
/* Folds the lanes of a tile; each element gets its epilogue. */
void dot_end(Lower *L, const Contract *c, const Dot *d, const Streams *s, ValId (*acc)[MAX_TILE]);

#endif
