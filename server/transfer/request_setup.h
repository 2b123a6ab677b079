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

// On the loop's thread. Credentials are shown only to whom asked for them in this try, the secrets of
// a job only to the origin of the remote name.
class RequestSetup {
 public:
  // `request` null: nothing special. `options` outlive this.
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

  // Whether there are credentials, not yet shown, for one of the schemes (CURLAUTH_...) that the
  // server or the proxy asks for: then they are part of the next Apply.
  bool AnswerServer(const Url& url, long schemes);
  bool AnswerProxy(long schemes);
  // Whether there is another proxy to try for the URL of the last Apply.
  bool TryNextProxy();

 private:
  const app::Credentials* Choose(domain::AuthTarget target, long schemes) const;
  CurlList AddHeaders(CurlList headers, std::string_view method, bool at_origin) const;
  void SetServerAuth(CURL* easy) const;
  void SetProxy(CURL* easy, const Url& url);
  void SetProxyAuth(CURL* easy) const;

  const EngineOptions* const options_;
  const std::shared_ptr<const app::RequestOptions> request_;
  const Url origin_;
  std::optional<std::vector<domain::Proxy>> proxies_;  // of an override; nullopt: no valid list

  const app::Credentials* server_ = nullptr;  // asked for
  const app::Credentials* proxy_ = nullptr;   // asked for
  size_t next_proxy_ = 0;
  size_t proxies_that_fit_ = 0;
  std::string certificate_;
  std::string proxy_url_;
  bool private_ = false;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_REQUEST_SETUP_H_
