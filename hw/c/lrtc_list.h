/* lrtc_list.h: the numbers of the lanes that are 1, times 4: byte offsets into a table of words. */

#if defined(__ARM_FEATURE_CLZ) || defined(__aarch64__) || defined(__x86_64__) || (defined(__riscv_zbb) && defined(__GNUC__))
/* Append the offset of every lane of `word` that is 1 to `list`, by counting leading zeros; lane 0 is at `offset`, and
   lanes from `lanes` (1..32) on are ignored. */
static inline lrtc_uint16 *lrtc_list_word(lrtc_uint16 *list, uint32_t word, uint32_t lanes, uint32_t offset)
{
    word &= 0xffffffffu >> (32u - lanes);
    while (word != 0u) {
        const uint32_t zeros = (uint32_t)__builtin_clz(word);
        word &= ~(0x80000000u >> zeros);
        *list++ = (lrtc_uint16)(offset + 124u - (zeros << 2));
    }
    return list;
}
#else
/* Append the offset of every lane of `word` that is 1 to `list`, lane by lane; lane 0 is at `offset`, and lanes from
   `lanes` (1..32) on are ignored. */
static inline lrtc_uint16 *lrtc_list_word(lrtc_uint16 *list, uint32_t word, uint32_t lanes, uint32_t offset)
{
#define LRTC_LIST(bit)                 \
    if ((word & (bit)) != 0u) {        \
        *list++ = (lrtc_uint16)offset; \
    }                                  \
    offset += 4u
    for (; lanes >= 8u; lanes -= 8u, word >>= 8) {
        LRTC_LIST(1u);
        LRTC_LIST(2u);
        LRTC_LIST(4u);
        LRTC_LIST(8u);
        LRTC_LIST(16u);
        LRTC_LIST(32u);
        LRTC_LIST(64u);
        LRTC_LIST(128u);
    }
    for (; lanes != 0u; lanes--, word >>= 1) {
        LRTC_LIST(1u);
    }
    return list;
#undef LRTC_LIST
}
#endif

/* Fill a list of n up to a multiple of 8 with the offset of the row of zeros. */
static inline void lrtc_list_fill(lrtc_uint16 *list, uint32_t n, uint32_t zeros)
{
    for (; (n & 7u) != 0u; n++) {
        list[n] = (lrtc_uint16)zeros;
    }
}
