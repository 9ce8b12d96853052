/* lrtc_window.h: a window that slides over an image [rows][cols][depth]; depth counts words, bytes or integers. */
typedef struct {
    uint32_t rows, cols, depth;
    uint32_t kernel_rows, kernel_cols, stride_rows, stride_cols, dilate_rows, dilate_cols;
    uint32_t top, left; /* padding */
} lrtc_window;
