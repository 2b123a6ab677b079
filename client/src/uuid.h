#ifndef BITS_CLIENT_SRC_UUID_H_
#define BITS_CLIENT_SRC_UUID_H_

#include <string>

namespace bits::client_internal {

// A random UUID (version 4), in lower case with dashes. Any thread.
std::string NewUuid();

}  // namespace bits::client_internal

#endif  // BITS_CLIENT_SRC_UUID_H_
