#include "client/src/address.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

namespace bits::client_internal {

absl::Status CheckAddress(const std::string& address) {
  const auto wrong = [&address](const char* why) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", address, "\" is not an address: ", why,
                     "; give HOST:PORT, such as 127.0.0.1:7310, or unix:PATH"));
  };
  if (address.empty()) return wrong("it is empty");
  if (address.starts_with("unix:")) {
    return address.size() > 5 ? absl::OkStatus() : wrong("the path is missing");
  }
  if (address.find(":///") != std::string::npos) return absl::OkStatus();
  if (address.find('/') != std::string::npos) return wrong("it is neither a socket nor a host");

  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return wrong("the port is missing");
  const std::string host = address.substr(0, colon);
  int port = 0;
  if (!absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 1 || port > 65'535) {
    return wrong("the port is not a number from 1 to 65535");
  }
  if (host.empty()) return wrong("the host is missing");
  const bool bracketed = host.front() == '[' && host.back() == ']';
  if (host.find(':') != std::string::npos && !bracketed) {
    return wrong("an IPv6 address needs brackets");
  }
  return absl::OkStatus();
}

}  // namespace bits::client_internal
