// The checksum file of one try: fetched in the job's own way, read, and done with.
#ifndef BITS_SERVER_TRANSFER_SIDECAR_FETCH_H_
#define BITS_SERVER_TRANSFER_SIDECAR_FETCH_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "server/transfer/byte_taker.h"
#include "server/transfer/gate.h"
#include "server/transfer/http_transfer.h"
#include "server/transfer/multi_driver.h"
#include "server/transfer/pacer.h"
#include "server/transfer/url.h"

namespace bits::transfer {

// On the loop's thread.
class SidecarFetch final : private ByteTaker {
 public:
  // The digest, or why there is none: that names the checksum file, and is of no source of the
  // file.
  using Found = std::variant<std::string, domain::Failure>;

  // `spec`: the try's; `url`: of the checksum file; `flow`: of the try.
  SidecarFetch(Context* context, MultiDriver* multi, Gate* lookups, Pacer::FlowId flow,
               const app::TransferSpec& spec, Url url);

  // Calls `found`, not from within a callback of libcurl, unless abandoned before. May be called
  // again once it has.
  void Fetch(std::function<void(Found)> found);
  // From the pacer.
  void OnRoom() { source_->OnRoom(); }
  void Abandon();

 private:
  const app::TransferSpec& spec() const override { return spec_; }
  std::optional<domain::Rate> share() const override { return context_->pacer->ShareOf(flow_); }
  void SetHost(const std::string& host) override { context_->pacer->SetHost(flow_, host); }
  uint64_t position() const override { return text_.size(); }
  std::optional<uint64_t> total() const override { return total_; }
  const domain::Validators& validators() const override { return spec_.file.validators; }
  void Accept(std::optional<uint64_t> total, domain::Validators validators,
              std::optional<absl::Time> last_modified) override;
  void SetResponseHeaders(std::string /*lines*/) override {}
  void SetFinalName(std::string /*name*/) override {}
  bool Append(std::string_view data) override;
  void Restart(app::RestartReason reason, std::function<void()> then) override;
  void Finish() override;
  void Fail(domain::Failure failure, bool keep) override;
  void End(Found found);

  Context* const context_;
  const Pacer::FlowId flow_;
  const app::TransferSpec spec_;  // of the checksum file, as if it were a file
  const domain::ChecksumAlgorithm algorithm_;
  const std::string shown_url_;
  std::unique_ptr<HttpTransfer> source_;
  std::function<void(Found)> found_;
  std::string text_;
  std::optional<uint64_t> total_;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_SIDECAR_FETCH_H_
