#include "server/transfer/http_date.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "absl/time/civil_time.h"

namespace bits::transfer {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 7> kLongDays = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Takes things off the front of a text; once one was not there, ok() is false.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  bool ok() const { return ok_; }
  bool AtEnd() const { return ok_ && rest_.empty(); }

  void Text(std::string_view text) {
    if (!rest_.starts_with(text)) return Fail();
    rest_.remove_prefix(text.size());
  }
  // Exactly so many digits; with `padded` the first may be a space.
  int Digits(int count, bool padded = false) {
    int value = 0;
    for (int i = 0; i < count; ++i) {
      if (rest_.empty()) Fail();
      if (!ok_) return 0;
      char c = rest_.front();
      if (padded && i == 0 && c == ' ') c = '0';
      if (c < '0' || c > '9') Fail();
      value = value * 10 + (c - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }
  template <size_t N>
  int OneOf(const std::array<std::string_view, N>& words) {
    for (size_t i = 0; i < N; ++i) {
      if (!rest_.starts_with(words[i])) continue;
      rest_.remove_prefix(words[i].size());
      return static_cast<int>(i);
    }
    Fail();
    return 0;
  }

 private:
  void Fail() { ok_ = false; }
  std::string_view rest_;
  bool ok_ = true;
};

struct Parts {
  int64_t year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

void ScanTime(Scanner& in, Parts& to) {
  to.hour = in.Digits(2);
  in.Text(":");
  to.minute = in.Digits(2);
  in.Text(":");
  to.second = in.Digits(2);
}

// Sun, 06 Nov 1994 08:49:37 GMT
bool ScanFixed(std::string_view text, Parts& to) {
  Scanner in(text);
  in.OneOf(kDays);
  in.Text(", ");
  to.day = in.Digits(2);
  in.Text(" ");
  to.month = in.OneOf(kMonths) + 1;
  in.Text(" ");
  to.year = in.Digits(4);
  in.Text(" ");
  ScanTime(in, to);
  in.Text(" GMT");
  return in.AtEnd();
}

// Sunday, 06-Nov-94 08:49:37 GMT
bool ScanRfc850(std::string_view text, absl::Time now, Parts& to) {
  Scanner in(text);
  in.OneOf(kLongDays);
  in.Text(", ");
  to.day = in.Digits(2);
  in.Text("-");
  to.month = in.OneOf(kMonths) + 1;
  in.Text("-");
  const int year = in.Digits(2);
  in.Text(" ");
  ScanTime(in, to);
  in.Text(" GMT");
  const int64_t this_year = absl::ToCivilYear(now, absl::UTCTimeZone()).year();
  to.year = this_year - this_year % 100 + year;
  if (to.year > this_year + 50) to.year -= 100;
  return in.AtEnd();
}

// Sun Nov  6 08:49:37 1994
bool ScanAsctime(std::string_view text, Parts& to) {
  Scanner in(text);
  in.OneOf(kDays);
  in.Text(" ");
  to.month = in.OneOf(kMonths) + 1;
  in.Text(" ");
  to.day = in.Digits(2, true);
  in.Text(" ");
  ScanTime(in, to);
  in.Text(" ");
  to.year = in.Digits(4);
  return in.AtEnd();
}

}  // namespace

std::optional<absl::Time> ParseHttpDate(std::string_view text, absl::Time now) {
  Parts parts;
  if (!ScanFixed(text, parts) && !ScanRfc850(text, now, parts) && !ScanAsctime(text, parts)) {
    return std::nullopt;
  }
  const absl::CivilSecond civil(parts.year, parts.month, parts.day, parts.hour, parts.minute,
                                std::min(parts.second, 59));
  // A CivilSecond puts what is out of range in order: the 31st of June would be July.
  const bool real = civil.day() == parts.day && civil.month() == parts.month &&
                    civil.hour() == parts.hour && civil.minute() == parts.minute &&
                    parts.second <= 60;  // a leap second
  if (!real) return std::nullopt;
  return absl::FromCivil(civil, absl::UTCTimeZone());
}

std::string FormatHttpDate(absl::Time time) {
  const absl::CivilSecond civil = absl::ToCivilSecond(time, absl::UTCTimeZone());
  const auto weekday = static_cast<size_t>(absl::GetWeekday(civil));
  const std::string_view day = kDays.at(weekday);
  const std::string_view month = kMonths.at(static_cast<size_t>(civil.month()) - 1);
  std::array<char, 64> text{};
  const int size =
      std::snprintf(text.data(), text.size(), "%.3s, %02d %.3s %04lld %02d:%02d:%02d GMT",
                    day.data(), civil.day(), month.data(), static_cast<long long>(civil.year()),
                    civil.hour(), civil.minute(), civil.second());
  return {text.data(), static_cast<size_t>(size)};
}

std::optional<absl::Duration> ParseRetryAfter(std::string_view text, absl::Time now) {
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) {
    constexpr int64_t kEnough = 1'000'000'000;  // bounded by whoever uses it
    int64_t seconds = 0;
    for (char c : text) seconds = std::min(kEnough, seconds * 10 + (c - '0'));
    return absl::Seconds(seconds);
  }
  const std::optional<absl::Time> date = ParseHttpDate(text, now);
  if (!date) return std::nullopt;
  return std::max(absl::ZeroDuration(), *date - now);
}

}  // namespace bits::transfer
