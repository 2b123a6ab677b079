#include "server/platform/certificate_directory.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "server/domain/http_options.h"

namespace bits::platform {

std::string CertificateDirectory::PathOf(const std::string& name) const {
  if (path_.empty() || name.empty() || domain::CertificateNameFault(name)) return "";
  std::string path = absl::StrCat(path_, "/", name, ".pem");
  return ::access(path.c_str(), R_OK) == 0 ? path : "";
}

}  // namespace bits::platform
