#include "server/transfer/curl_handle.h"

namespace bits::transfer {

absl::Status InitCurl() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_ALL);
  if (result == CURLE_OK) return absl::OkStatus();
  return absl::InternalError(curl_easy_strerror(result));
}

CurlList Append(CurlList list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return list;
  (void)list.release();
  return CurlList(longer);
}

}  // namespace bits::transfer
