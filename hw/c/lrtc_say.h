/* Text and numbers through a putchar. */
static void lrtc_say_text(void (*put)(char c), const LRTC_ROM char *text)
{
    while (*text != '\0') {
        put(*text++);
    }
}

/* A literal, which then lies where constants do. */
#define lrtc_say(put, literal)                       \
    do {                                             \
        static const LRTC_ROM char said_[] = literal; \
        lrtc_say_text(put, said_);                   \
    } while (0)

/* By subtraction: some cores cannot divide. */
static void lrtc_say_number(void (*put)(char c), int32_t number)
{
    static const LRTC_ROM uint32_t powers[10] = {1000000000u, 100000000u, 10000000u, 1000000u, 100000u, 10000u, 1000u, 100u, 10u, 1u};
    uint32_t left = (uint32_t)number;
    int i, leading = 1;
    if (number < 0) {
        put('-');
        left = 0u - left;
    }
    for (i = 0; i < 10; i++) {
        char digit = '0';
        while (left >= powers[i]) {
            left -= powers[i];
            digit++;
        }
        leading = leading && digit == '0' && i != 9;
        if (!leading) {
            put(digit);
        }
    }
}
