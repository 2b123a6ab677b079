#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>

#include "bits/watch.h"

namespace bits {
inline namespace client_0 {

std::string FilterForJobs(const std::vector<v1::Job>& jobs) {
  using google::protobuf::Timestamp;
  using google::protobuf::util::TimeUtil;
  // A term is some 45 bytes of the 2,048 that a filter may have.
  constexpr std::size_t kMostTerms = 32;

  const auto term = [](const char* comparison, const Timestamp& time) {
    return absl::StrCat("create_time ", comparison, " \"", TimeUtil::ToString(time), "\"");
  };
  std::vector<Timestamp> times;
  for (const auto& job : jobs) times.push_back(job.create_time());
  const auto earlier = [](const Timestamp& a, const Timestamp& b) {
    return std::make_pair(a.seconds(), a.nanos()) < std::make_pair(b.seconds(), b.nanos());
  };
  if (times.size() > kMostTerms) {
    const auto [first, last] = std::minmax_element(times.begin(), times.end(), earlier);
    return absl::StrCat(term(">=", *first), " AND ", term("<=", *last));
  }
  return absl::StrJoin(times, " OR ", [&term](std::string* out, const Timestamp& time) {
    out->append(term("=", time));
  });
}

}  // namespace client_0
}  // namespace bits
