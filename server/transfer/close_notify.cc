#include "server/transfer/close_notify.h"

#include <openssl/ssl.h>

#include <unordered_set>

namespace bits::transfer {
namespace {

// Connections that ended properly. An address leaves when another connection gets it.
std::unordered_set<const void*>& Notified() {
  thread_local std::unordered_set<const void*> notified;
  return notified;
}

void OnInfo(const SSL* ssl, int where, int value) {
  if ((where & SSL_CB_HANDSHAKE_START) != 0) Notified().erase(ssl);
  const bool close_notify = (value & 0xFF) == SSL_AD_CLOSE_NOTIFY;
  if (where == SSL_CB_READ_ALERT && close_notify) Notified().insert(ssl);
}

}  // namespace

CURLcode WatchForCloseNotify(CURL* /*easy*/, void* ssl_context, void* /*unused*/) {
  SSL_CTX_set_info_callback(static_cast<SSL_CTX*>(ssl_context), &OnInfo);
  return CURLE_OK;
}

const void* TlsConnectionOf(CURL* easy) {
  curl_tlssessioninfo* info = nullptr;
  if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || info == nullptr ||
      info->backend != CURLSSLBACKEND_OPENSSL) {
    return nullptr;
  }
  return info->internals;
}

bool CloseNotifySeen(const void* connection) { return Notified().contains(connection); }

}  // namespace bits::transfer
