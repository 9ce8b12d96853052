/* The other end of a board's serial line, for POSIX. One call: an image out, its class in.
 *
 *     int line = lrtc_serial_open("/dev/ttyUSB1", 1000000);
 *     int class_ = lrtc_serial_classify(line, image, 784);
 *
 * Bytes are in the order rows, columns, channels. Link nothing: everything is static.
 */
#ifndef LRTC_SERIAL_H
#define LRTC_SERIAL_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define LRTC_SERIAL_ALARM 128     /* the board lost a byte; lrtc_serial_rest, then send again */
#define LRTC_SERIAL_FAILED (-1)   /* see errno */
#define LRTC_SERIAL_SILENT (-2)   /* no answer in time */
#define LRTC_SERIAL_PATIENCE 2000 /* ms until an answer must have come */

/* Wait until the board takes the next byte for the first of an image. */
static inline void lrtc_serial_rest(int line)
{
    const struct timespec pause = {0, 30 * 1000 * 1000}; /* the board waits for 20 ms */
    (void)tcdrain(line);
    (void)nanosleep(&pause, NULL);
    (void)tcflush(line, TCIFLUSH);
}

/* Return the speed of termios for a rate in baud, B0 for one that is unknown here. */
static inline speed_t lrtc_serial_speed(long baud)
{
    switch (baud) {
    case 9600: return B9600;
    case 115200: return B115200;
#ifdef B230400
    case 230400: return B230400;
#endif
#ifdef B460800
    case 460800: return B460800;
#endif
#ifdef B921600
    case 921600: return B921600;
#endif
#ifdef B1000000
    case 1000000: return B1000000;
#endif
    default: return B0;
    }
}

/* Return a descriptor of the line at `path`, or LRTC_SERIAL_FAILED. */
static inline int lrtc_serial_open(const char *path, long baud)
{
    struct termios mode;
    const speed_t speed = lrtc_serial_speed(baud);
    const int line = speed == B0 ? -1 : open(path, O_RDWR | O_NOCTTY);
    if (speed == B0) {
        errno = EINVAL;
    }
    if (line < 0) {
        return LRTC_SERIAL_FAILED;
    }
    if (tcgetattr(line, &mode) == 0) {
        mode.c_iflag = 0;
        mode.c_oflag = 0;
        mode.c_lflag = 0;
        mode.c_cflag = CS8 | CREAD | CLOCAL;
        mode.c_cc[VMIN] = 0;
        mode.c_cc[VTIME] = 0;
        if (cfsetispeed(&mode, speed) == 0 && cfsetospeed(&mode, speed) == 0 && tcsetattr(line, TCSANOW, &mode) == 0) {
            lrtc_serial_rest(line);
            return line;
        }
    }
    (void)close(line);
    return LRTC_SERIAL_FAILED;
}

/* Send all of an image; return 0, or LRTC_SERIAL_FAILED. */
static inline int lrtc_serial_send(int line, const uint8_t *image, size_t bytes)
{
    while (bytes > 0) {
        const ssize_t sent = write(line, image, bytes);
        if (sent < 0 && errno != EINTR) {
            return LRTC_SERIAL_FAILED;
        }
        if (sent > 0) {
            image += sent;
            bytes -= (size_t)sent;
        }
    }
    return 0;
}

/* Return the next answer: a class, LRTC_SERIAL_ALARM, or what went wrong (below 0). */
static inline int lrtc_serial_answer(int line)
{
    struct pollfd wait = {line, POLLIN, 0};
    uint8_t answer;
    int ready;
    do {
        ready = poll(&wait, 1, LRTC_SERIAL_PATIENCE);
    } while (ready < 0 && errno == EINTR);
    if (ready < 0) {
        return LRTC_SERIAL_FAILED;
    }
    if (ready == 0) {
        return LRTC_SERIAL_SILENT;
    }
    return read(line, &answer, 1) == 1 ? answer : LRTC_SERIAL_FAILED;
}

/* Return the class of an image, LRTC_SERIAL_ALARM, or what went wrong (below 0). */
static inline int lrtc_serial_classify(int line, const uint8_t *image, size_t bytes)
{
    if (lrtc_serial_send(line, image, bytes) != 0) {
        return LRTC_SERIAL_FAILED;
    }
    return lrtc_serial_answer(line);
}

#endif
