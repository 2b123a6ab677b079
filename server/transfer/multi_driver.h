// libcurl's multi interface on an EventLoop, by curl_multi_socket_action.
#ifndef BITS_SERVER_TRANSFER_MULTI_DRIVER_H_
#define BITS_SERVER_TRANSFER_MULTI_DRIVER_H_

#include <curl/curl.h>

#include <unordered_map>
#include <vector>

#include "server/transfer/curl_handle.h"
#include "server/transfer/event_loop.h"
#include "server/transfer/open_sockets.h"

namespace bits::transfer {

// All on the loop's thread. None but Pause-like returns of callbacks may be used from within a
// callback of libcurl: it forbids to be called from there.
class MultiDriver {
 public:
  struct Outcome {
    CURLcode code = CURLE_OK;
  };
  class Request {
   public:
    virtual ~Request() = default;
    // Called outside of libcurl; the handle is the caller's again.
    virtual void OnDone(const Outcome& outcome) = 0;
  };

  explicit MultiDriver(EventLoop* loop);
  ~MultiDriver();
  MultiDriver(const MultiDriver&) = delete;
  MultiDriver& operator=(const MultiDriver&) = delete;

  // A handle with all options at their defaults, but for its sockets.
  CurlEasy Acquire();
  // For use by another. One that failed is better destroyed.
  void Recycle(CurlEasy easy);

  // Begins; OnDone is never called from within this call.
  void Start(CURL* easy, Request* request);
  // OnDone will not be called.
  void Cancel(CURL* easy);
  // Whether something has come on a connection that is about to be used, seen from here. May be
  // used within a callback.
  bool HasInput(int local_port, int remote_port) {
    return sockets_.HasInput(local_port, remote_port);
  }
  // See OpenSockets::LimitWindow. May be used within a callback.
  void LimitWindow(int local_port, int remote_port, size_t bytes) {
    sockets_.LimitWindow(local_port, remote_port, bytes);
  }
  // May call the write callback at once; where that refuses it, OnDone (CURLE_WRITE_ERROR) comes
  // within this call.
  void Unpause(CURL* easy);

 private:
  static int OnSocket(CURL* easy, curl_socket_t socket, int what, void* self, void* known);
  static int OnTimer(CURLM* multi, long milliseconds, void* self);
  void Open();
  void Act(curl_socket_t socket, int events);
  void CheckDone();
  void StartOver();

  EventLoop* const loop_;
  OpenSockets sockets_;
  CurlMulti multi_;
  EventLoop::TimerId timer_ = 0;
  std::unordered_map<CURL*, Request*> requests_;
  std::vector<CurlEasy> spare_;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_MULTI_DRIVER_H_
