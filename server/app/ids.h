// Ids that are nobody's before.
#ifndef BITS_SERVER_APP_IDS_H_
#define BITS_SERVER_APP_IDS_H_

#include <string>

namespace bits::app {

// A random UUID (version 4) in lower case, from the kernel's random source. Thread-safe.
std::string NewUuid();
// From 0 to below 1, each as likely.
double RandomFraction();

}  // namespace bits::app

#endif  // BITS_SERVER_APP_IDS_H_
