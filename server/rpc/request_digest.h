// What tells one request from another, whatever way it was serialised. Pure; any thread.
#ifndef BITS_SERVER_RPC_REQUEST_DIGEST_H_
#define BITS_SERVER_RPC_REQUEST_DIGEST_H_

#include <string>
#include <string_view>

#include "google/protobuf/message_lite.h"

namespace bits::rpc {

// SHA-256, 32 bytes, of `label` and of the message's type and deterministic serialisation.
std::string Digest(std::string_view label, const google::protobuf::MessageLite& message);

// What a repeat of a mutating request must have in common with the first (AIP-155): the
// method and every field but request_id itself, and secrets: a digest that is kept would
// let them be guessed.
template <typename Request>
std::string Fingerprint(std::string_view method, Request request) {
  request.clear_request_id();
  if constexpr (requires { request.clear_password(); }) request.clear_password();
  if constexpr (requires { request.mutable_job()->mutable_http_options(); }) {
    for (auto& header : *request.mutable_job()->mutable_http_options()->mutable_headers()) {
      header.clear_value();
    }
  }
  if constexpr (requires { request.mutable_job()->mutable_notifications(); }) {
    if (request.job().notifications().has_webhook()) {
      request.mutable_job()->mutable_notifications()->mutable_webhook()->clear_secret();
    }
  }
  return Digest(method, request);
}

// What a page token is bound to: the caller and every field but page_token itself.
template <typename Request>
std::string PageBinding(std::string_view principal, Request request) {
  request.clear_page_token();
  return Digest(principal, request);
}

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_REQUEST_DIGEST_H_
