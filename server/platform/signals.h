// Signals, taken by a thread that waits for them and never in a handler.
#ifndef BITS_SERVER_PLATFORM_SIGNALS_H_
#define BITS_SERVER_PLATFORM_SIGNALS_H_

#include <functional>

namespace bits::platform {

// Blocks SIGTERM and SIGINT in this thread and all that it starts, and ignores SIGPIPE. Call it in
// main before any thread exists.
void BlockSignals();

// Waits for SIGTERM or SIGINT; gives which.
int WaitForSignal();

// From now on a SIGTERM or SIGINT ends the process at once, with status 1.
void ExitOnNextSignal();

}  // namespace bits::platform

#endif  // BITS_SERVER_PLATFORM_SIGNALS_H_
