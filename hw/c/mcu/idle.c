/* idle.c: a main that does nothing: the caller of the network is outside (an emulator, a debugger). */
int main(void);

__attribute__((section(".startup"))) int main(void)
{
    return 0;
}
