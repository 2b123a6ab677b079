// The operator's directory of client certificates.
#ifndef BITS_SERVER_PLATFORM_CERTIFICATE_DIRECTORY_H_
#define BITS_SERVER_PLATFORM_CERTIFICATE_DIRECTORY_H_

#include <string>
#include <utility>

#include "server/app/ports/client_certificates.h"

namespace bits::platform {

class CertificateDirectory final : public app::ClientCertificates {
 public:
  // NAME is `path`/NAME.pem. Empty: there are none.
  explicit CertificateDirectory(std::string path) : path_(std::move(path)) {}
  std::string PathOf(const std::string& name) const override;

 private:
  const std::string path_;
};

}  // namespace bits::platform

#endif  // BITS_SERVER_PLATFORM_CERTIFICATE_DIRECTORY_H_
