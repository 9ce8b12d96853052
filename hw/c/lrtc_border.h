/* lrtc_border.h: which pixels of a block are in which class of the border. */

/* For each class of rows that occurs among the pixels from `at` on, in rows of `cols`: its number goes to `found`, and
   combined[1 << classes] gets, for any set of classes of columns, the lanes in it; `lanes` is scratch for these and the
   classes of rows. Returns how many occur. Rows below the last have its class. */
LRTC_APART uint32_t lrtc_border(lrtc_plane *combined, uint32_t *found, lrtc_plane *lanes,
                                const LRTC_ROM uint8_t *row_class, const LRTC_ROM uint8_t *col_class,
                                const LRTC_ROM uint32_t *sizes, lrtc_spot at)
{
    const uint32_t rows = sizes[0], cols = sizes[1], row_classes = sizes[2], classes = sizes[3];
    lrtc_plane *const in_row = lanes + classes;
    uint32_t *const cols_of = (uint32_t *)lanes, *const rows_of = (uint32_t *)in_row;
    uint32_t i, k, n = 0;
    for (i = 0; i < classes + row_classes; i++) {
        lanes[i] = LRTC_EACH(0u);
    }
    for (i = 0; i < LRTC_LANES; i++) {
        cols_of[col_class[at.col] * LRTC_PARTS + LRTC_PART(i)] |= (uint32_t)1 << (i & 31u);
        rows_of[row_class[at.row < rows ? at.row : rows - 1u] * LRTC_PARTS + LRTC_PART(i)] |= (uint32_t)1 << (i & 31u);
        if (++at.col == cols) {
            at.col = 0;
            at.row++;
        }
    }
    for (k = 0; k < row_classes; k++) {
        uint32_t any = 0;
        for (i = 0; i < LRTC_PARTS; i++) {
            any |= rows_of[k * LRTC_PARTS + i];
        }
        if (any != 0u) {
            uint32_t set = 1, class;
            combined[0] = LRTC_EACH(0u);
            for (class = 0; class < classes; class++) {
                const lrtc_plane here = in_row[k] & lanes[class];
                for (i = 0; i < set; i++) {
                    combined[set + i] = combined[i] | here;
                }
                set <<= 1;
            }
            combined += set;
            found[n++] = k;
        }
    }
    return n;
}
