// What a job's options make of the requests of one try: headers, TLS, credentials, proxy.
#ifndef BITS_SERVER_TRANSFER_REQUEST_SETUP_H_
#define BITS_SERVER_TRANSFER_REQUEST_SETUP_H_

#include <curl/curl.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/app/ports/transfer_engine.h"
#include "server/domain/error.h"
#include "server/transfer/curl_handle.h"
#include "server/transfer/options.h"
#include "server/transfer/url.h"

namespace bits::transfer {

// On the loop's thread. Credentials are shown only to whom asked for them in this try: to the server
// only if it is the origin that the job's owner named, to a proxy only while it is the one in use.
class RequestSetup {
 public:
  // `request` null: nothing special. `origin`: the job's secrets belong to it. `options` outlive this.
  RequestSetup(const EngineOptions* options, std::shared_ptr<const app::RequestOptions> request,
               Url origin);

  const domain::HttpOptions& http() const { return request_->http; }
  // Why nothing can be asked at all.
  std::optional<domain::Failure> Fault() const;

  // Sets the options of a request for `url`, and gives `headers` with those of the job. The strings
  // of this stay as they are until the next Apply.
  CurlList Apply(CURL* easy, const Url& url, std::string_view method, CurlList headers);
  // Of the last Apply: no other request may use its connection or anything of its TLS session.
  bool is_private() const { return private_; }

  // Of the last Apply: libcurl answers this status by itself, by another request with the job's
  // credentials, as their scheme takes several.
  bool AnswersItself(uint32_t status) const;

  // Whether there are credentials, not yet shown, for one of the schemes (CURLAUTH_...) that the
  // server or the proxy asks for: then they are part of the next Apply. `url`: of the last Apply.
  bool AnswerServer(const Url& url, long schemes);
  // By the answer to a CONNECT if `tunnel`, else to a request: one through a tunnel is the server's.
  bool AnswerProxy(const Url& url, bool tunnel, long schemes);
  // Whether there is another proxy to try for the URL of the last Apply.
  bool TryNextProxy();

 private:
  const app::Credentials* Choose(domain::AuthTarget target, long schemes) const;
  CurlList AddHeaders(CurlList headers, std::string_view method, bool at_origin) const;
  void SetServerAuth(CURL* easy) const;
  void SetProxy(CURL* easy, const Url& url);
  bool MayUseTlsProxy() const;
  void SetProxyAuth(CURL* easy) const;

  const EngineOptions* const options_;
  const std::shared_ptr<const app::RequestOptions> request_;
  const Url origin_;
  std::optional<std::vector<domain::Proxy>> proxies_;  // of an override; nullopt: no valid list

  const app::Credentials* server_ = nullptr;  // asked for
  const app::Credentials* proxy_ = nullptr;   // asked for, by proxy_in_use_
  // Of the last Apply: those of the list that are for its URL, and which of them.
  std::vector<std::string> fitting_;
  size_t next_proxy_ = 0;
  std::string proxy_in_use_;  // tells it from any other; empty: none, as far as is known
  std::string certificate_;
  bool server_auth_sent_ = false;  // of the last Apply
  bool private_ = false;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_REQUEST_SETUP_H_
