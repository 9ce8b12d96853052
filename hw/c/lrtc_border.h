/* lrtc_border.h: which of 32 pixels are in which class of the border. */

/* For each class of rows that occurs among 32 pixels from `at` on, in rows of `cols`: its number goes to `found`, and
   combined[1 << classes] gets, for any set of classes of columns, the lanes in it; `lanes` is scratch for these and the
   classes of rows. Returns how many occur. Rows below the last have its class. */
LRTC_APART uint32_t lrtc_border(uint32_t *combined, uint32_t *found, uint32_t *lanes, const uint8_t *row_class,
                                const uint8_t *col_class, const uint32_t *sizes, lrtc_spot at)
{
    const uint32_t rows = sizes[0], cols = sizes[1], row_classes = sizes[2], classes = sizes[3];
    uint32_t *const in_row = lanes + classes;
    uint32_t i, k, n = 0;
    for (i = 0; i < classes + row_classes; i++) {
        lanes[i] = 0;
    }
    for (i = 0; i < 32u; i++) {
        lanes[col_class[at.col]] |= 1u << i;
        in_row[row_class[at.row < rows ? at.row : rows - 1u]] |= 1u << i;
        if (++at.col == cols) {
            at.col = 0;
            at.row++;
        }
    }
    for (k = 0; k < row_classes; k++) {
        if (in_row[k] != 0u) {
            uint32_t set = 1, class;
            combined[0] = 0;
            for (class = 0; class < classes; class++) {
                const uint32_t here = in_row[k] & lanes[class];
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
