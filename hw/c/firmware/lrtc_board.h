/* lrtc_board.h: what a program needs of a board: to be set up, to send and receive bytes, to end. */
#ifndef LRTC_BOARD_H
#define LRTC_BOARD_H

void lrtc_board_init(void); /* clocks, pins, the console */
void lrtc_put(char c);      /* send one character */
int lrtc_get(void);         /* wait for one byte and return it, or -1 when no more will come */
void lrtc_exit(int status); /* end: under a debugger or an emulator, if the console is one; else wait for ever */

#endif
