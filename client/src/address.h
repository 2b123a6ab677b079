#ifndef BITS_CLIENT_SRC_ADDRESS_H_
#define BITS_CLIENT_SRC_ADDRESS_H_

#include <absl/status/status.h>

#include <string>

namespace bits::client_internal {

// Whether `address` is HOST:PORT, [IPV6]:PORT, unix:PATH or SCHEME:///REST. What it
// names is not looked up.
absl::Status CheckAddress(const std::string& address);

}  // namespace bits::client_internal

#endif  // BITS_CLIENT_SRC_ADDRESS_H_
