// One try's source over HTTP: asks, follows redirects, checks, asks again.
#ifndef BITS_SERVER_TRANSFER_HTTP_TRANSFER_H_
#define BITS_SERVER_TRANSFER_HTTP_TRANSFER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/transfer/curl_handle.h"
#include "server/transfer/byte_taker.h"
#include "server/transfer/delivery.h"
#include "server/transfer/gate.h"
#include "server/transfer/multi_driver.h"
#include "server/transfer/request_setup.h"
#include "server/transfer/response_check.h"
#include "server/transfer/response_head.h"
#include "server/transfer/url.h"

namespace bits::transfer {

// On the loop's thread.
class HttpTransfer final : public ByteSource, private MultiDriver::Request {
 public:
  // `lookups` bounds how many look up a name at once. `delivery` owns this, in effect; its spec()
  // names whom the job's secrets are for, whatever `url` is.
  HttpTransfer(Context* context, MultiDriver* multi, Gate* lookups, ByteTaker* delivery, Url url);
  ~HttpTransfer() override;

  void Fetch() override;
  bool IsWholeOf(const domain::Validators& validators) const override;
  void OnRoom() override;
  void Abandon() override;

 private:
  enum class Mode : uint8_t {
    kHead,     // the response has not told enough yet
    kReceive,  // its body is what we want
    kHold,     // its body will be, once what is here is gone
    kDiscard,  // its body is of no interest
  };
  static constexpr size_t kLongestName = 2200;  // a remote name's, in bytes

  const domain::FileRanges& ranges() const { return delivery_->spec().file.ranges; }
  // Whether what is here, which is of another source, can be gone on from.
  bool JoinsSources() const;
  // Of a file with ranges. False if nothing is left to ask for.
  bool AskForPart();
  void Send();
  void SetOptions();
  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);
  static int OnConnected(void* self, char* remote, char* local, int remote_port, int local_port);
  void KeepLine(std::string_view line);
  bool TakeHead();
  void HoldAgainstSource();
  // Tells the delivery what follows, by the plan.
  void Accept();
  size_t TakeBody(std::string_view data);
  // Holds what the kernel may receive ahead to the transfer's share of the limits.
  void LimitWindow();
  void RestartHere();
  // The body is whole, though libcurl waits for the close.
  void EndHere();

  void OnDone(const MultiDriver::Outcome& outcome) override;
  void Conclude(const MultiDriver::Outcome& outcome);
  void ConcludeBody(const MultiDriver::Outcome& outcome);
  // A scheme that takes several requests was asked for, and libcurl answers: the status that is here
  // is not the last word.
  bool IsBetweenRequests() const;
  // Whether what was refused is asked again, with credentials or by another proxy.
  bool AskAgain(const MultiDriver::Outcome& outcome);
  void Redirect();
  domain::Failure UnprovenParts() const;
  bool IsTooLarge(uint64_t size) const;
  domain::Failure TooLarge() const;
  domain::Failure Explain(const MultiDriver::Outcome& outcome) const;
  domain::Contact contact() const;  // with the remote name's own host

  void LookedUp();
  void ArmStallTimer(absl::Duration delay);
  void OnStallTimer();

  Context* const context_;
  MultiDriver* const multi_;
  Gate* const lookups_;
  ByteTaker* const delivery_;
  const Url origin_;  // where the remote name points to
  // Dies with this, or with the request under way: what was posted for it is void then.
  std::shared_ptr<int> alive_;

  RequestSetup setup_;
  bool begun_ = false;  // something was asked for

  Url url_;  // where redirects have led
  std::string method_;  // empty: GET
  uint32_t redirects_ = 0;
  bool unproven_parts_ = false;  // nothing proves that the next part is of the same version
  RangeRequest request_;
  CurlEasy easy_;
  CurlList headers_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  long os_error_ = 0;
  Gate::Ticket lookup_ = 0;

  Mode mode_ = Mode::kHead;
  ResponseHeadParser parser_;
  std::string lines_;       // of the head, that may be shown
  long connect_status_ = 0;  // that a proxy answered CONNECT with
  int server_asked_ = 0;  // how often in this request, by a 401
  int proxy_asked_ = 0;   // by a 407
  long server_schemes_ = 0;  // CURLAUTH_..., that were asked for
  long proxy_schemes_ = 0;
  std::optional<ResponsePlan> plan_;
  std::optional<MultiDriver::Outcome> outcome_;  // it ended while in kHold
  uint64_t received_ = 0;                        // of the body
  uint64_t discarded_ = 0;
  bool too_much_ = false;   // more came than was promised
  bool too_large_ = false;  // more came than the job may fetch
  bool connected_ = false;  // this request reached the host
  bool spoilt_ = false;    // the connection held what is no answer, so nothing was asked yet
  bool fresh_ = false;     // only a new connection will do
  bool paused_ = false;
  int local_port_ = 0;  // of the connection in use
  int remote_port_ = 0;
  std::optional<size_t> window_;  // what it is limited to
  const void* tls_connection_ = nullptr;  // whose end is the body's end
  EventLoop::TimerId stall_timer_ = 0;
  EventLoop::Clock::time_point active_time_;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_HTTP_TRANSFER_H_
