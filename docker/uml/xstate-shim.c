/*
 * Preloaded into the User-Mode Linux kernel. Some UML kernels restore a process's floating point
 * registers with a buffer of a fixed size, which a host refuses with EFAULT where the CPU's extended
 * state is larger (AMX): the kernel then panics, "ptrace set fp regs failed, errno = 14". Here such a
 * request is done again with the host's whole state, in which the part that was given is replaced.
 */
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Not on the stack: the kernel's stacks are small. One thread traces, so one buffer is enough. */
static unsigned char whole_state[65536] __attribute__((aligned(64)));

static long set_whole_state(pid_t pid, const struct iovec *given)
{
    struct iovec whole = { whole_state, sizeof whole_state };

    if (syscall(SYS_ptrace, PTRACE_GETREGSET, (long)pid, NT_X86_XSTATE, &whole) < 0)
        return -1;
    if (given->iov_len >= whole.iov_len) { /* Not too short: this is another failure. */
        errno = EFAULT;
        return -1;
    }
    memcpy(whole_state, given->iov_base, given->iov_len);
    return syscall(SYS_ptrace, PTRACE_SETREGSET, (long)pid, NT_X86_XSTATE, &whole);
}

long ptrace(enum __ptrace_request request, ...)
{
    va_list arguments;
    pid_t pid;
    long address, data, result, peeked;
    int peek = request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER;

    va_start(arguments, request);
    pid = va_arg(arguments, pid_t);
    address = va_arg(arguments, long);
    data = va_arg(arguments, long);
    va_end(arguments);

    /* The system call stores a peeked word where the fourth argument points. */
    result = syscall(SYS_ptrace, (long)request, (long)pid, address, peek ? (long)&peeked : data);
    if (result < 0 && errno == EFAULT && request == PTRACE_SETREGSET && (int)address == NT_X86_XSTATE)
        result = set_whole_state(pid, (const struct iovec *)data);
    if (peek && result >= 0) {
        errno = 0;
        result = peeked;
    }
    return result;
}
