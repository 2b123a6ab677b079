#include "tests/bench/load.h"

#include "absl/strings/str_cat.h"
#include "tests/bench/report.h"

namespace bits::bench {

absl::Duration LoadResult::Latency(double percent) const {
  return absl::Seconds(Percentile(latencies, percent));
}

std::string LoadResult::Describe() const {
  std::string text =
      absl::StrCat(PerSecond(rate()), ", p50 ", Time(Latency(50)), ", p99 ", Time(Latency(99)));
  if (failures > 0) absl::StrAppend(&text, "; ", failures, " FAILED: ", first_failure);
  return text;
}

std::vector<std::shared_ptr<grpc::Channel>> MakeChannels(const std::string& address, size_t count) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (size_t i = 0; i < count; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channels.push_back(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
    channels.back()->GetState(/*try_to_connect=*/true);
  }
  return channels;
}

}  // namespace bits::bench
