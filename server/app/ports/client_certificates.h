// The client certificates that jobs may show, by name.
#ifndef BITS_SERVER_APP_PORTS_CLIENT_CERTIFICATES_H_
#define BITS_SERVER_APP_PORTS_CLIENT_CERTIFICATES_H_

#include <string>

namespace bits::app {

// Thread-safe.
class ClientCertificates {
 public:
  virtual ~ClientCertificates() = default;
  // The PEM file; empty if there is none of that name. Looks at a local directory.
  virtual std::string PathOf(const std::string& name) const = 0;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_PORTS_CLIENT_CERTIFICATES_H_
