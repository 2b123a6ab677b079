// Owners of libcurl's things.
#ifndef BITS_SERVER_TRANSFER_CURL_HANDLE_H_
#define BITS_SERVER_TRANSFER_CURL_HANDLE_H_

#include <curl/curl.h>

#include <memory>
#include <string>

#include "absl/status/status.h"

namespace bits::transfer {

// curl_global_init, once in a process however often it is called. Before there are other threads.
absl::Status InitCurl();

// CURL and CURLM are both void to the compiler, so each owner has a deleter of its own.
struct CurlEasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct CurlMultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct CurlListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct CurlUrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

using CurlEasy = std::unique_ptr<CURL, CurlEasyDeleter>;
using CurlMulti = std::unique_ptr<CURLM, CurlMultiDeleter>;
using CurlList = std::unique_ptr<curl_slist, CurlListDeleter>;
using CurlUrl = std::unique_ptr<CURLU, CurlUrlDeleter>;

// `list` with a line more.
CurlList Append(CurlList list, const std::string& line);

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_CURL_HANDLE_H_
