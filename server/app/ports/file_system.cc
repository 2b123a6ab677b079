#include "server/app/ports/file_system.h"

#include "absl/strings/numbers.h"
#include "server/base/error_info.h"
#include "server/domain/error_code.h"

namespace bits::app {

domain::Hresult HresultOf(const absl::Status& status) {
  const std::optional<ErrorInfo> info = GetErrorInfo(status);
  if (!info) return domain::kIoDevice;
  for (const auto& [key, value] : info->metadata) {
    uint32_t hresult = 0;
    if (key == "hresult" && absl::SimpleHexAtoi(value, &hresult)) return hresult;
  }
  return domain::CodeOf(info->reason).value_or(domain::kIoDevice);
}

}  // namespace bits::app
