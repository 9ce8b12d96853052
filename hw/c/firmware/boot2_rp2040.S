/* boot2_rp2040.S: the first 256 bytes of an RP2040's flash. The boot ROM checks their CRC-32, copies them to RAM and
   runs them there. This one asks the ROM for its plain serial reads of flash (command 03h: slow, every flash chip
   knows it; function "CX" of the ROM's table) and starts the program behind it through its vector table. */
    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .section .boot2, "ax"
    .balign 4
boot2:
    movs r3, #0
    ldrh r0, [r3, #0x14]   /* the ROM's table of functions */
    ldrh r2, [r3, #0x18]   /* its function (table, code) -> function */
    ldr r1, code
    blx r2
    blx r0
    ldr r0, vectors
    ldr r1, vtor
    str r0, [r1]
    ldmia r0!, {r1, r2}    /* stack pointer, reset handler */
    msr msp, r1
    bx r2
    .balign 4
code:
    .word 0x5843           /* 'C' | 'X' << 8 */
vectors:
    .word 0x10000100
vtor:
    .word 0xE000ED08
    .fill 0xfc - (. - boot2), 1, 0
    .word 0xb44bbd54       /* CRC-32 (polynomial 04C11DB7, start all ones, not reflected) of the 252 bytes */
